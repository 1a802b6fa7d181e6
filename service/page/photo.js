// A photo with what was read drawn over it, and the display cut out of it.
import { h, svg } from "./dom.js";

/** Decode a photo upright, or null where this browser cannot (HEIC outside of Safari). */
export async function decode(blob) {
  try {
    return await createImageBitmap(blob, { imageOrientation: "from-image" });
  } catch {
    return null;
  }
}

/**
 * The drawing that lies over a picture of `width` × `height`: a box and its digits for each reading
 * (`{box, text, status}`; corners in pixels of the upright picture).
 */
export function boxes(width, height, readings) {
  const size = Math.max(width, height) / 26;
  return svg(
    "svg",
    { class: "boxes", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "xMidYMid meet", "aria-hidden": "true" },
    ...readings.filter((reading) => reading.box).flatMap((reading) => drawn(reading, size, width)),
  );
}

function drawn({ box, text, status }, size, width) {
  const kind = `box ${status ?? "seen"}`;
  const outline = svg("polygon", { class: kind, points: box.map((corner) => corner.join(",")).join(" ") });
  if (!text) return [outline];
  const xs = box.map(([x]) => x);
  const room = text.length * size * 0.62 + size * 0.6;
  const left = Math.max(0, Math.min(Math.min(...xs), width - room));
  const top = Math.max(0, Math.min(...box.map(([, y]) => y)) - size * 1.6);
  return [
    outline,
    svg("rect", { class: `tag ${status ?? "seen"}`, x: left, y: top, width: room, height: size * 1.35, rx: size / 4 }),
    svg("text", { x: left + size * 0.3, y: top + size, "font-size": size }, text),
  ];
}

/** A figure of the photo with the boxes over it. `alt` is a key of the dictionary. */
export function photoFigure(blob, readings, alt) {
  const image = h("img", { class: "photo" });
  const figure = h("figure", { class: "photo-frame" }, image);
  const url = URL.createObjectURL(blob);
  image.addEventListener("load", () => {
    URL.revokeObjectURL(url);
    figure.append(boxes(image.naturalWidth, image.naturalHeight, readings));
  });
  image.addEventListener("error", () => {
    URL.revokeObjectURL(url);
    image.replaceWith(h("p", { class: "no-picture", t: "photo.cannot_show" }));
  });
  image.src = url;
  figure.image = image;
  return h("div", {}, figure, h("figcaption", { class: "visually-hidden", t: alt }));
}

/** The display of `box`, cut out of a bitmap and laid level, on a canvas of that many pixels across. */
export function strip(bitmap, box, across = 640) {
  const [a, b, , d] = box;
  const along = [b[0] - a[0], b[1] - a[1]];
  const down = [d[0] - a[0], d[1] - a[1]];
  const long = Math.hypot(...along);
  const high = Math.hypot(...down);
  const margin = high * 0.25;
  const scale = across / (long + 2 * margin);
  const canvas = h("canvas", { class: "strip", "aria-hidden": "true" });
  canvas.width = across;
  canvas.height = Math.max(1, Math.min(across, Math.round((high + 2 * margin) * scale)));
  const pen = canvas.getContext("2d");
  // From the photo to the strip: the inverse of the map that lays the strip's axes along the display's edges.
  const [ux, uy] = along.map((v) => v / long);
  const [vx, vy] = down.map((v) => v / high);
  const turn = new DOMMatrix([ux, uy, vx, vy, ...a]).inverse();
  pen.setTransform(new DOMMatrix([scale, 0, 0, scale, margin * scale, margin * scale]).multiply(turn));
  pen.drawImage(bitmap, 0, 0);
  return canvas;
}
