// A register's history: what it stood at over time, and what was used a day in between.
import { svg } from "./dom.js";
import { moment, shortDay, t } from "./language.js";

const HEIGHT = 240;
const BARS = 64; // room for the bars under the line
const LEFT = 8;
const RIGHT = 8;
const TOP = 16;
const BOTTOM = 22;
const MOST_POINTS = 400;

/**
 * Points `{time, number, text, status, use}` in order of time, drawn `width` pixels wide; `use` is what was used a day
 * since the point before, or null. `open(point)` is called for the one that is tapped, or chosen by Enter.
 */
export function chart(points, width, unit, open) {
  const drawn = points.slice(-MOST_POINTS);
  const times = drawn.map(({ time }) => time.getTime());
  const first = Math.min(...times);
  const span = Math.max(...times) - first || 1;
  const scale = axis(Math.min(...drawn.map((p) => p.number)), Math.max(...drawn.map((p) => p.number)));
  const plot = { bottom: HEIGHT - BOTTOM - BARS - 12, base: HEIGHT - BOTTOM };
  const labels = scale.ticks.map((tick) => String(tick));
  const left = LEFT + Math.max(...labels.map((label) => label.length)) * 7.2 + 6;
  const x = (time) => (drawn.length > 1 ? left + 8 + ((time - first) / span) * (width - left - RIGHT - 16) : (left + width) / 2);
  const y = (number) => plot.bottom - ((number - scale.low) / (scale.high - scale.low)) * (plot.bottom - TOP);
  const most = Math.max(...drawn.map((p) => p.use ?? 0)) || 1;
  const picture = svg("svg", { class: "chart", width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "group", label: "meter.chart" });
  picture.append(
    ...scale.ticks.flatMap((tick, n) => [
      svg("line", { class: "grid", x1: left, x2: width - RIGHT, y1: y(tick), y2: y(tick) }),
      svg("text", { class: "tick end", x: left - 6, y: y(tick) + 4 }, labels[n]),
    ]),
    svg("line", { class: "grid", x1: left, x2: width - RIGHT, y1: plot.base, y2: plot.base }),
    ...drawn.slice(1).flatMap((point, n) => bar(point, x(times[n]), x(times[n + 1]), plot.base, most)),
    ...days(first, span, width - left, drawn.length).map((time) => svg("text", { class: "tick middle", x: Math.min(Math.max(x(time), left + 20), width - 26), y: HEIGHT - 6, t: () => shortDay(new Date(time)) })),
  );
  const line = drawn.filter((p) => p.counts).map((p) => `${x(p.time.getTime())},${y(p.number)}`);
  if (line.length > 1) picture.append(svg("polyline", { class: "line", points: line.join(" ") }));
  picture.append(...drawn.map((point) => dot(point, x(point.time.getTime()), y(point.number), unit, open)));
  return picture;
}

function bar(point, from, to, base, most) {
  if (point.use === null) return [];
  const high = Math.max(1, (point.use / most) * BARS);
  return [svg("rect", { class: "use", x: from + 1, y: base - high, width: Math.max(1, to - from - 2), height: high, rx: 2 })];
}

function dot(point, x, y, unit, open) {
  const label = () => `${moment(point.time)}: ${point.text} ${unit ?? ""}, ${t(`status.${point.status}`)}`;
  return svg(
    "g",
    {
      class: `dot ${point.status}`, tabindex: 0, role: "button", label,
      onclick: () => open(point),
      onkeydown: (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        open(point);
      },
    },
    svg("circle", { class: "target", cx: x, cy: y, r: 16 }),
    svg("circle", { class: "mark", cx: x, cy: y, r: 5 }),
  );
}

/** A scale from a round number below `low` to one above `high`, with three to six ticks. */
export function axis(low, high) {
  const span = high - low || Math.max(1, Math.abs(high) * 0.02);
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((s) => s >= rough);
  const places = Math.max(0, -Math.floor(Math.log10(step)));
  const from = Math.floor(low / step);
  const to = Math.max(from + 1, Math.ceil(high / step));
  const ticks = Array.from({ length: to - from + 1 }, (_, n) => Number(((from + n) * step).toFixed(places)));
  return { low: ticks[0], high: ticks.at(-1), ticks };
}

/** Times for the days written under the chart: as many as fit, evenly spaced, none twice. */
function days(first, span, room, points) {
  if (points < 2) return [first];
  const fitting = Math.max(2, Math.min(6, Math.floor(room / 90), Math.floor(span / 86_400_000) + 1));
  if (span < 86_400_000) return [first];
  return Array.from({ length: fitting }, (_, n) => first + (span * n) / (fitting - 1));
}
