"""Build gtfs_samples/santiago: ``python gtfs_samples/build_santiago.py [FOLDER]``.

Synthetic, shaped after published figures; not an operator's timetable. The streets, the metro
stations and the tariff are Santiago's; lines, stops and departures are ours. See its README.
"""

from __future__ import annotations

from build import Place, Sample, Stop, csv_text, distance_km, every, out_folder, platforms, write

# id: name, latitude, longitude (rough, to about 100 m). Metro stations and street corners.
STREETS = {
    # Avenida Pajaritos, from Maipú
    "MAI": ("Plaza de Maipú", -33.5101, -70.7573),
    "BUE": ("Pajaritos / Santiago Bueras", -33.4949, -70.7573),
    "SOL": ("Pajaritos / Del Sol", -33.4817, -70.7509),
    "TAB": ("Pajaritos / Monte Tabor", -33.4748, -70.7402),
    "LAG": ("Pajaritos / Laguna Sur", -33.4634, -70.7232),
    # Alameda, west to east
    "REJ": ("Alameda / Las Rejas", -33.4577, -70.7066),
    "ECU": ("Alameda / Ecuador", -33.4566, -70.7000),
    "USA": ("Alameda / Universidad de Santiago", -33.4533, -70.6870),
    "ECE": ("Alameda / Estación Central", -33.4510, -70.6790),
    "REP": ("Alameda / República", -33.4476, -70.6667),
    "HER": ("Alameda / Los Héroes", -33.4464, -70.6605),
    "UCH": ("Alameda / Universidad de Chile", -33.4438, -70.6506),
    "SLU": ("Alameda / Santa Lucía", -33.4423, -70.6447),
    "BAQ": ("Plaza Baquedano", -33.4371, -70.6340),
    # Providencia and Apoquindo
    "SAL": ("Providencia / Salvador", -33.4329, -70.6266),
    "PDV": ("Providencia / Pedro de Valdivia", -33.4254, -70.6140),
    "TOB": ("Providencia / Tobalaba", -33.4183, -70.6013),
    "EMI": ("Apoquindo / Escuela Militar", -33.4138, -70.5820),
    "MAN": ("Apoquindo / Manquehue", -33.4092, -70.5676),
    # Matta and Grecia
    "MSD": ("Matta / San Diego", -33.4586, -70.6500),
    "MPO": ("Matta / Portugal", -33.4575, -70.6360),
    "EST": ("Grecia / Estadio Nacional", -33.4625, -70.6090),
    "MAC": ("Grecia / Macul", -33.4640, -70.5985),
    "RGR": ("Rotonda Grecia", -33.4692, -70.5850),
    "GTO": ("Grecia / Tobalaba", -33.4790, -70.5620),
    # Vicuña Mackenna
    "SIS": ("Vicuña Mackenna / Santa Isabel", -33.4473, -70.6308),
    "IRA": ("Vicuña Mackenna / Irarrázaval", -33.4552, -70.6285),
    "NUB": ("Vicuña Mackenna / Ñuble", -33.4672, -70.6246),
    "CVA": ("Vicuña Mackenna / Carlos Valdovinos", -33.4866, -70.6193),
    "SJO": ("Vicuña Mackenna / San Joaquín", -33.4995, -70.6158),
    "MIR": ("Vicuña Mackenna / Mirador", -33.5131, -70.6060),
    "TRI": ("Vicuña Mackenna / Trinidad", -33.5461, -70.5893),
    "QUI": ("Vicuña Mackenna / Los Quillayes", -33.5612, -70.5845),
    "SOT": ("Vicuña Mackenna / Hospital Sótero del Río", -33.5767, -70.5817),
    "MER": ("Concha y Toro / Las Mercedes", -33.5985, -70.5780),
    "PAL": ("Plaza de Puente Alto", -33.6096, -70.5757),
    # Santa Rosa
    "SRM": ("Santa Rosa / Matta", -33.4588, -70.6430),
    "SRF": ("Santa Rosa / Placer", -33.4765, -70.6420),
    "SRD": ("Santa Rosa / Departamental", -33.5020, -70.6370),
    "SRV": ("Santa Rosa / Américo Vespucio", -33.5325, -70.6300),
    "SRO": ("Santa Rosa / Observatorio", -33.5610, -70.6285),
    "LPI": ("Santa Rosa / La Pintana", -33.5850, -70.6290),
    # Irarrázaval
    "NUN": ("Irarrázaval / Plaza Ñuñoa", -33.4545, -70.5944),
    "IPV": ("Irarrázaval / Pedro de Valdivia", -33.4540, -70.6060),
    # San Pablo and the north-west
    "SPA": ("San Pablo / Neptuno", -33.4441, -70.7234),
    "BLA": ("San Pablo / Blanqueado", -33.4405, -70.7067),
    "QNO": ("Quinta Normal", -33.4401, -70.6806),
    "CYC": ("Puente Cal y Canto", -33.4328, -70.6524),
    "BRA": ("Santo Domingo / Brasil", -33.4380, -70.6650),
    # Recoleta
    "REC": ("Recoleta / Cementerios", -33.4130, -70.6440),
    "EIN": ("Recoleta / Einstein", -33.4050, -70.6435),
    "DOR": ("Recoleta / Dorsal", -33.3985, -70.6430),
}
TERMINALS = {
    "T-RIN": ("Terminal Rinconada (Maipú)", -33.5240, -70.7790),
    "T-PAJ": ("Terminal Pajaritos", -33.4576, -70.7154),
    "T-DOM": ("Terminal Los Dominicos", -33.4083, -70.5450),
    "T-SCA": ("Terminal San Carlos de Apoquindo", -33.4010, -70.5050),
    "T-PEN": ("Terminal Peñalolén", -33.4862, -70.5430),
    "T-PUE": ("Terminal Puente Alto", -33.6165, -70.5790),
    "T-BAJ": ("Terminal Bajos de Mena", -33.6180, -70.6120),
    "T-VNO": ("Terminal Vespucio Norte", -33.3806, -70.6473),
    "T-PUD": ("Terminal Pudahuel", -33.4440, -70.7480),
    "T-EGA": ("Terminal Plaza Egaña", -33.4534, -70.5705),
    "T-FLO": ("Terminal La Florida", -33.5230, -70.5985),
}
# route: long name, places outbound, weekday headways in minutes: peak, midday, evening
BUSES = {
    "S1": (
        "Maipú - Alameda - Los Dominicos",
        "T-RIN MAI BUE SOL LAG REJ USA ECE HER UCH BAQ SAL PDV TOB EMI MAN T-DOM",
        (12, 20, 30),
    ),
    "S2": (
        "Maipú - Alameda - Grecia - Peñalolén",
        "T-RIN MAI BUE TAB REJ USA REP MSD MPO IRA EST MAC RGR GTO T-PEN",
        (14, 24, 36),
    ),
    "S3": (
        "Puente Alto - Vicuña Mackenna - Pajaritos",
        "T-PUE PAL MER SOT QUI TRI MIR SJO CVA NUB IRA BAQ UCH REP ECE ECU T-PAJ",
        (16, 28, 40),
    ),
    "S4": (
        "Bajos de Mena - Santa Rosa - Vespucio Norte",
        "T-BAJ LPI SRO SRV SRD SRF SRM SLU CYC REC EIN DOR T-VNO",
        (16, 28, 40),
    ),
    "S5": (
        "Pudahuel - San Pablo - Plaza Egaña",
        "T-PUD SPA BLA QNO BRA HER UCH SLU BAQ SIS IRA IPV NUN T-EGA",
        (16, 28, 40),
    ),
    "S6": (
        "Pudahuel - Matta - Grecia - Peñalolén",
        "T-PUD SPA BLA QNO REP MSD MPO NUB EST MAC RGR GTO T-PEN",
        (18, 30, 40),
    ),
    "S7": (
        "Vespucio Norte - Recoleta - La Florida",
        "T-VNO DOR EIN REC CYC SLU BAQ SIS NUB CVA SJO MIR T-FLO",
        (18, 30, 40),
    ),
    "S8": (
        "Pajaritos - Apoquindo - San Carlos",
        "T-PAJ REJ USA ECE HER UCH BAQ SAL PDV TOB EMI MAN T-DOM T-SCA",
        (16, 28, 40),
    ),
}
METRO = {
    "L1": (
        "San Pablo - Los Dominicos",
        [
            ("San Pablo", -33.4441, -70.7234), ("Neptuno", -33.4513, -70.7226),
            ("Pajaritos", -33.4576, -70.7154), ("Las Rejas", -33.4577, -70.7066),
            ("Ecuador", -33.4566, -70.7000), ("San Alberto Hurtado", -33.4547, -70.6923),
            ("Universidad de Santiago", -33.4533, -70.6870),
            ("Estación Central", -33.4510, -70.6790),
            ("Unión Latinoamericana", -33.4492, -70.6719), ("República", -33.4476, -70.6667),
            ("Los Héroes", -33.4464, -70.6605), ("La Moneda", -33.4449, -70.6547),
            ("Universidad de Chile", -33.4438, -70.6506), ("Santa Lucía", -33.4423, -70.6447),
            ("Universidad Católica", -33.4406, -70.6404), ("Baquedano", -33.4371, -70.6340),
            ("Salvador", -33.4329, -70.6266), ("Manuel Montt", -33.4288, -70.6201),
            ("Pedro de Valdivia", -33.4254, -70.6140), ("Los Leones", -33.4222, -70.6085),
            ("Tobalaba", -33.4183, -70.6013), ("El Golf", -33.4169, -70.5953),
            ("Alcántara", -33.4152, -70.5906), ("Escuela Militar", -33.4138, -70.5820),
            ("Manquehue", -33.4092, -70.5676), ("Hernando de Magallanes", -33.4079, -70.5558),
            ("Los Dominicos", -33.4083, -70.5450),
        ],
    ),
    "L5": (
        "Plaza de Maipú - Vicente Valdés",
        [
            ("Plaza de Maipú", -33.5101, -70.7573), ("Santiago Bueras", -33.4949, -70.7573),
            ("Del Sol", -33.4817, -70.7509), ("Monte Tabor", -33.4748, -70.7402),
            ("Las Parcelas", -33.4690, -70.7330), ("Laguna Sur", -33.4634, -70.7290),
            ("Barrancas", -33.4540, -70.7400), ("Pudahuel", -33.4440, -70.7410),
            ("San Pablo", -33.4441, -70.7234), ("Lo Prado", -33.4432, -70.7171),
            ("Blanqueado", -33.4405, -70.7067), ("Gruta de Lourdes", -33.4371, -70.6943),
            ("Quinta Normal", -33.4401, -70.6806), ("Cumming", -33.4385, -70.6690),
            ("Santa Ana", -33.4380, -70.6600), ("Plaza de Armas", -33.4376, -70.6510),
            ("Bellas Artes", -33.4363, -70.6440), ("Baquedano", -33.4371, -70.6340),
            ("Parque Bustamante", -33.4424, -70.6329), ("Santa Isabel", -33.4473, -70.6308),
            ("Irarrázaval", -33.4552, -70.6285), ("Ñuble", -33.4672, -70.6246),
            ("Rodrigo de Araya", -33.4785, -70.6220), ("Carlos Valdovinos", -33.4866, -70.6193),
            ("Camino Agrícola", -33.4919, -70.6172), ("San Joaquín", -33.4995, -70.6158),
            ("Pedrero", -33.5077, -70.6117), ("Mirador", -33.5131, -70.6060),
            ("Bellavista de La Florida", -33.5198, -70.5998),
            ("Vicente Valdés", -33.5265, -70.5969),
        ],
    ),
}  # fmt: skip

# Chilean public holidays of 2025 that fall on a working day or a Saturday (Ley 2.977 and others).
HOLIDAYS = {
    "L": [
        "0101", "0418", "0501", "0521", "0620", "0716",
        "0815", "0918", "0919", "1031", "1208", "1225",
    ],
    "S": ["0419", "1101"],
}  # fmt: skip
DAYS = {"L": "1111100", "S": "0000010", "D": "0000001"}
METRO_BANDS = {  # service: (from, until, headway in seconds); 06:00-23:00 on working days
    "L": [("06:00", "07:00", 240), ("07:00", "09:00", 120), ("09:00", "18:00", 200),
          ("18:00", "20:00", 120), ("20:00", "23:00", 300)],
    "S": [("06:30", "09:00", 360), ("09:00", "21:00", 270), ("21:00", "23:00", 420)],
    "D": [("07:30", "11:00", 420), ("11:00", "21:00", 330), ("21:00", "23:00", 480)],
}  # fmt: skip
METRO_KMH = 32.0
CENTRE = (-70.69, -70.60)  # longitudes between which traffic is slowest
DEADHEAD_COLUMNS = ["from_stop", "to_stop", "from_s", "to_s", "time_s", "distance_km"]
DEPOTS = {"T-RIN": "T-PAJ", "T-PEN": "T-EGA T-DOM T-SCA", "T-VNO": "T-PUD", "T-BAJ": "T-PUE T-FLO"}


def bus_bands(service: str, headways: tuple[int, int, int]) -> list[tuple[str, str, float]]:
    """One line's departures by time of day: two peaks on working days, none at weekends."""
    peak, midday, evening = headways
    if service == "L":
        return [
            ("05:10", "06:20", evening),
            ("06:20", "08:50", peak),
            ("08:50", "17:00", midday),
            ("17:00", "20:00", peak),
            ("20:00", "24:10", evening),
        ]
    sparse = 1.4 if service == "S" else 1.8
    return [
        ("06:00", "09:00", evening * 1.4),
        ("09:00", "21:00", midday * sparse),
        ("21:00", "24:10", evening * 1.5),
    ]


def bus_kmh(service: str, now_s: int, a: Stop, b: Stop) -> float:
    """In-service speed, dwell included: slow in the peaks and in the centre."""
    hour = now_s / 3600
    if hour < 6.5 or hour >= 22:
        speed = 27.0
    elif service == "L" and (hour < 9.0 or 17.0 <= hour < 20.0):
        speed = 18.0
    else:
        speed = 21.5 if service == "L" else 24.0
    return speed * (0.8 if CENTRE[0] < (a.lon + b.lon) / 2 < CENTRE[1] else 1.0)


def places() -> dict[str, Place]:
    """All bus places by id."""
    streets = {key: Place(key, *rest) for key, rest in STREETS.items()}
    return streets | {key: Place(key, *rest, terminal=True) for key, rest in TERMINALS.items()}


def calendars(sample: Sample) -> None:
    """Working days, Saturdays, Sundays; a public holiday runs as a Sunday."""
    for service, week in DAYS.items():
        sample.add_calendar(service, week)
    for service, dates in HOLIDAYS.items():
        for day in dates:
            sample.add("calendar_dates", service_id=service, date=f"2025{day}", exception_type=2)
            sample.add("calendar_dates", service_id="D", date=f"2025{day}", exception_type=1)


def buses(sample: Sample) -> None:
    """Eight lines, both directions, every departure a trip of its own."""
    known = places()
    for route, (name, listed, headways) in BUSES.items():
        sample.add(
            "routes", route_id=route, agency_id="BUS", route_short_name=route,
            route_long_name=name, route_type=3, route_color="C8102E",
        )  # fmt: skip
        there = [known[key] for key in listed.split()]
        for direction, way in enumerate((platforms(there), platforms(there[::-1]))):
            for stop in way:
                sample.add_stop(stop)
            shape = f"{route}{'IR'[direction]}"
            along = sample.add_shape(shape, way)
            for service in DAYS:
                shift = 0 if direction == 0 else headways[0] / 2
                for depart in every(bus_bands(service, headways), shift):
                    sample.add_trip(
                        f"{shape}{service}{depart // 3600:02d}{depart // 60 % 60:02d}",
                        way, along, depart,
                        lambda now, a, b, service=service: bus_kmh(service, now, a, b),
                        route_id=route, service_id=service, direction_id=direction,
                        trip_headsign=TERMINALS[way[-1].id][0].removeprefix("Terminal "),
                        shape_id=shape,
                    )  # fmt: skip


def metro(sample: Sample) -> None:
    """Two lines, by headway (frequencies.txt, exact_times = 0)."""
    for route, (name, stations) in METRO.items():
        sample.add(
            "routes", route_id=route, agency_id="METRO", route_short_name=route,
            route_long_name=name, route_type=1, route_color="E3002B" if route == "L1" else "007A33",
        )  # fmt: skip
        there = [
            Stop(f"{route}-{at:02d}", f"Metro {station}", lat, lon)
            for at, (station, lat, lon) in enumerate(stations, start=1)
        ]
        for direction, way in enumerate((there, there[::-1])):
            for stop in way:
                sample.add_stop(stop)
            shape = f"{route}{'IR'[direction]}"
            along = sample.add_shape(shape, way)
            for service, bands in METRO_BANDS.items():
                trip = f"{shape}{service}"
                sample.add_trip(
                    trip, way, along, 0, lambda *_: METRO_KMH,
                    route_id=route, service_id=service, direction_id=direction,
                    trip_headsign=way[-1].name.removeprefix("Metro "), shape_id=shape,
                )  # fmt: skip
                for start, end, headway in bands:
                    sample.add_headway(trip, start, end, headway)


def transfers(sample: Sample) -> None:
    """Walks inside the two stations that both metro lines serve."""
    numbers = {
        line: {name: f"{line}-{at:02d}" for at, (name, *_) in enumerate(stations, start=1)}
        for line, (_, stations) in METRO.items()
    }
    for name in ("San Pablo", "Baquedano"):
        for a, b in (("L1", "L5"), ("L5", "L1")):
            sample.add(
                "transfers", from_stop_id=numbers[a][name], to_stop_id=numbers[b][name],
                transfer_type=2, min_transfer_time=180,
            )  # fmt: skip


def deadheads() -> str:
    """Empty runs between each depot and terminals near it: 1.3 x crow-flight, by time band."""
    known = places()
    bands = [(0, 23400, 32.0), (23400, 32400, 18.0), (32400, 61200, 23.0), (61200, 72000, 18.0)]
    bands.append((72000, 108000, 30.0))
    rows = []
    for depot, near in DEPOTS.items():
        for terminal in near.split():
            for a, b in ((depot, terminal), (terminal, depot)):
                km = round(1.3 * distance_km(known[a], known[b]), 2)
                rows += [
                    (a, b, start, end, round(3600 * km / speed), f"{km:.2f}")
                    for start, end, speed in bands
                ]
    return csv_text(DEADHEAD_COLUMNS, rows)


def build() -> None:
    """Write the folder's tables and deadheads.csv; README and tariffs are kept by hand."""
    sample = Sample()
    for key, name in (("BUS", "Buses de Santiago (sintético)"), ("METRO", "Metro (sintético)")):
        sample.add(
            "agency", agency_id=key, agency_name=name, agency_url="https://example.org/santiago",
            agency_timezone="America/Santiago", agency_lang="es",
        )  # fmt: skip
    sample.add_feed_info("https://example.org/santiago", "es")
    calendars(sample)
    buses(sample)
    metro(sample)
    transfers(sample)
    folder = out_folder("santiago")
    sample.write(folder)
    write(folder / "deadheads.csv", deadheads())


if __name__ == "__main__":
    build()
