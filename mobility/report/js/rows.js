// Vehicles as arrays: which are looked for, and what one does at a second.
function fleetOf(told) {
  const fleet = {
    ...told, depot: unpack(told.depot), offset: unpack(told.offset), block: unpack(told.block), kind: unpack(told.kind),
    route: unpack(told.route), from: unpack(told.from), to: unpack(told.to), start: unpack(told.start),
    long: unpack(told.long), km: unpack(told.km), kwh: unpack(told.kwh),
  };
  fleet.trip = new Int32Array(fleet.kind.length);
  let trips = 0;
  for (let at = 0; at < fleet.kind.length; at += 1) fleet.trip[at] = fleet.kind[at] === 0 ? trips++ : -1;
  if (told.soc) fleet.soc = { offset: unpack(told.soc.offset), time: unpack(told.soc.time), soc: unpack(told.soc.soc) };
  if (told.charge) {
    const charge = { ...told.charge, vehicle: unpack(told.charge.vehicle), site: unpack(told.charge.site),
      start: unpack(told.charge.start), long: unpack(told.charge.long), kwh: unpack(told.charge.kwh) };
    charge.offset = new Int32Array(told.vehicles.length + 1);
    for (const one of charge.vehicle) charge.offset[one + 1] += 1;
    for (let at = 0; at < told.vehicles.length; at += 1) charge.offset[at + 1] += charge.offset[at];
    fleet.charge = charge;
  }
  return fleet;
}

function lookedFor(fleet) { // rows of vehicles that fit the filter, in order
  const depot = filter.depot ? fleet.depots.indexOf(filter.depot) : -1;
  const route = filter.route ? fleet.routes.indexOf(filter.route) : -1;
  const text = filter.words, found = [];
  const stops = text ? fleet.stops.map((one) => one[0].toLowerCase() === text || one[1].toLowerCase().includes(text)) : [];
  const routes = text ? fleet.routes.map((one) => one.toLowerCase() === text) : [];
  for (let bus = 0; bus < fleet.vehicles.length; bus += 1) {
    if (filter.depot && fleet.depot[bus] !== depot) continue;
    if (filter.route && !does(fleet, bus, (at) => fleet.route[at] === route)) continue;
    if (text && !fleet.vehicles[bus].toLowerCase().includes(text) && !fleet.depots[fleet.depot[bus]].toLowerCase().includes(text)
      && !does(fleet, bus, (at) => fleet.blocks[fleet.block[at]].toLowerCase().includes(text) || stops[fleet.from[at]]
        || stops[fleet.to[at]] || (fleet.route[at] >= 0 && routes[fleet.route[at]])
        || (fleet.trip[at] >= 0 && fleet.trips[fleet.trip[at]].toLowerCase().includes(text)))) continue;
    found.push(bus);
  }
  return found;
}

function does(fleet, bus, test) {
  for (let at = fleet.offset[bus]; at < fleet.offset[bus + 1]; at += 1) if (test(at)) return true;
  return false;
}

function activityAt(fleet, bus, second) { // the last that has begun; -1 before the first
  let low = fleet.offset[bus], high = fleet.offset[bus + 1] - 1, found = -1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (fleet.start[middle] <= second) { found = middle; low = middle + 1; } else high = middle - 1;
  }
  return found;
}

function chargeAt(fleet, bus, second) {
  const { charge } = fleet;
  if (!charge) return -1;
  for (let at = charge.offset[bus]; at < charge.offset[bus + 1]; at += 1) {
    if (charge.start[at] <= second && second < charge.start[at] + charge.long[at]) return at;
  }
  return -1;
}

function socAt(fleet, bus, second) { // straight between two levels
  if (!fleet.soc) return null;
  const { offset, time, soc } = fleet.soc, first = offset[bus], last = offset[bus + 1] - 1;
  if (last < first) return null;
  if (second <= time[first]) return soc[first];
  for (let at = first; at < last; at += 1) {
    if (second <= time[at + 1]) {
      const long = time[at + 1] - time[at];
      return long ? soc[at] + ((soc[at + 1] - soc[at]) * (second - time[at])) / long : soc[at + 1];
    }
  }
  return soc[last];
}

function saidOf(fleet, bus, at, second) { // words for one moment of one vehicle
  const lines = [`Bus ${fleet.vehicles[bus]}, depot ${fleet.depots[fleet.depot[bus]]}${fleet.type[bus] ? `, type ${fleet.type[bus]}` : ""}`];
  const plugged = chargeAt(fleet, bus, second);
  if (at >= 0 && second <= fleet.start[at] + fleet.long[at]) {
    const kind = fleet.kinds[fleet.kind[at]], from = fleet.stops[fleet.from[at]][1], to = fleet.stops[fleet.to[at]][1];
    lines.push(`Block ${fleet.blocks[fleet.block[at]]}`);
    if (fleet.trip[at] >= 0) lines.push(`Trip ${fleet.trips[fleet.trip[at]]}, route ${fleet.routes[fleet.route[at]]}`);
    else lines.push(kind === "wait" ? "Waits" : kind === "depot" ? "Stands in the depot" : `Runs empty (${kind})`);
    lines.push(`${clock(fleet.start[at])}–${clock(fleet.start[at] + fleet.long[at])} ${fleet.zone}`, from === to ? from : `${from} → ${to}`);
    if (fleet.km[at] > 0) lines.push(`${count(fleet.km[at], 1)} km${fleet.kwh ? `, ${count(fleet.kwh[at], 1)} kWh` : ""}`);
  } else lines.push(`${clock(second)} ${fleet.zone}: in the depot`);
  if (plugged >= 0) {
    const { charge } = fleet, end = charge.start[plugged] + charge.long[plugged];
    lines.push(`Charges at ${charge.sites[charge.site[plugged]]}, ${clock(charge.start[plugged])}–${clock(end)}, ${count(charge.kwh[plugged], 1)} kWh`);
  }
  const soc = socAt(fleet, bus, second);
  if (soc !== null) lines.push(`State of charge ${count(100 * soc)} %`);
  return lines;
}
