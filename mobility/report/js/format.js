// Numbers, times and colours as text.
const DAY_S = 86400;

function clock(seconds) { // past 24:00 the next day begins, and it is said
  const within = ((seconds % DAY_S) + DAY_S) % DAY_S, days = Math.floor(seconds / DAY_S);
  const text = `${two(Math.floor(within / 3600))}:${two(Math.floor(within / 60) % 60)}`;
  return days === 0 ? text : `${text} (${days > 0 ? "+" : "−"}${Math.abs(days)} d)`;
}

function two(number) { return String(number).padStart(2, "0"); }

function count(number, digits = 0) {
  return number.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function short(number) { // as few digits as tell it
  const size = Math.abs(number);
  return count(number, size === 0 || size >= 100 || Number.isInteger(number) ? 0 : size >= 10 ? 1 : 2);
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function ticks(low, high, most) { // round numbers, at most so many
  const rough = Math.max((high - low) / Math.max(most, 1), 1e-9), power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.999);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-6; at += 1) found.push(at * step || 0);
  return found;
}

function hours(first, last, width) { // seconds at which the clock is named
  const step = [1, 2, 3, 4, 6, 12].find((one) => (width * one * 3600) / (last - first) >= 44) || 12;
  const found = [];
  for (let at = Math.ceil(first / (3600 * step)); at * step * 3600 <= last; at += 1) found.push(at * step * 3600);
  return found;
}
