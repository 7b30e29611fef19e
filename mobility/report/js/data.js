"use strict";
// What the page is drawn from: one JSON document, long arrays packed as `compact.py` says.
const data = JSON.parse(document.getElementById("data").textContent);
const charts = {}; // kind -> function (figure): drawn by the files below

const READ = {
  u8: (view, at) => view.getUint8(at), u16: (view, at) => view.getUint16(2 * at, true),
  i8: (view, at) => view.getInt8(at), i16: (view, at) => view.getInt16(2 * at, true),
  i32: (view, at) => view.getInt32(4 * at, true),
};

function unpack(told) {
  if (!told) return null;
  const text = atob(told.b), bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  const view = new DataView(bytes.buffer), read = READ[told.t];
  const whole = told.s === 1 ? new Int32Array(told.n) : new Float64Array(told.n);
  let sum = 0;
  for (let at = 0; at < told.n; at += 1) {
    sum = told.d ? sum + read(view, at) : read(view, at);
    whole[at] = sum / told.s;
  }
  return whole;
}
