// Readings are text and stay exact: a float would turn 13414.9 − 13000.1 into 414.7999….

/** `later − earlier`, both decimal texts, as decimal text. */
export function minus(later, earlier) {
  const places = Math.max(decimals(later), decimals(earlier));
  const difference = scaled(later, places) - scaled(earlier, places);
  const digits = String(difference < 0n ? -difference : difference).padStart(places + 1, "0");
  const sign = difference < 0n ? "−" : "";
  return sign + (places ? `${digits.slice(0, -places)}.${digits.slice(-places)}` : digits);
}

function decimals(text) {
  return (text.split(".")[1] ?? "").length;
}

function scaled(text, places) {
  const [whole, part = ""] = text.split(".");
  return BigInt(whole + part.padEnd(places, "0"));
}

/** Whether a text is a reading as a person may type it: digits, with a point or a comma between them. */
export function isReading(text) {
  return /^\d{1,9}(\.\d{1,4})?$/.test(text);
}

export function typed(text) {
  return text.trim().replace(",", ".");
}
