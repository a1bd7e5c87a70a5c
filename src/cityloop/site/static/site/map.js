// One map: districts in step colours by the gravest level, points by level and shape.
// With a base map set and WebGL2 there, MapLibre GL draws it; otherwise ECharts draws the districts alone and says so.

export const SHAPES = {
  1: "path://M7 2h10l5 5v10l-5 5H7l-5-5V7z",
  2: "path://M12 1l11 11-11 11L1 12z",
  3: "path://M12 2l11 20H1z",
  4: "path://M12 2a10 10 0 1 1 0 20 10 10 0 0 1 0-20z",
  fine: "path://M4 4h16v16H4z",
  silent: "path://M5 2l7 7 7-7 3 3-7 7 7 7-3 3-7-7-7 7-3-3 7-7-7-7z",
};
export const FILLS = {
  light: { none: "#dfe8f2", 1: "#e5737d", 2: "#f0a36b", 3: "#ffe28a", 4: "#8dbbe8", line: "#5f7894", ink: "#1b2530", halo: "#ffffff" },
  dark: { none: "#12305a", 1: "#a32835", 2: "#a8561a", 3: "#8c7113", 4: "#1f62b5", line: "#4fb8e8", ink: "#ffffff", halo: "#06142a" },
};
const POINTS = { 1: "#ff5c66", 2: "#ff9a3d", 3: "#ffd84d", 4: "#63b0ff", fine: "#14703a", silent: "#55606e" };
const CORE_CODES = new Set(["110101", "110102", "110105", "110106", "110107", "110108"]);

// Where the names of the narrow districts stand, WGS 84: the middle of their outlines lie too close to each other. The
// inset shows them alone; on a map of the whole city they keep further apart.
const LABELS_INSET = { 110101: [116.435, 39.945], 110102: [116.335, 39.878], 110107: [116.15, 39.935], 110105: [116.545, 39.99], 110108: [116.22, 40.05], 110106: [116.23, 39.81] };
const LABELS_CITY = { 110109: [115.7, 39.99], 110101: [116.47, 39.945], 110102: [116.35, 39.875], 110107: [116.05, 39.945], 110105: [116.58, 40.01], 110108: [116.24, 40.06], 110106: [116.2, 39.81] };
let shapesLoading = null;

function labelled(shapes, places) {
  const features = shapes.features.map((feature) => {
    const { code, cp } = feature.properties;
    return { ...feature, properties: { ...feature.properties, name: code, cp: places[code] ?? cp } };
  });
  return { ...shapes, features };
}

export function districtShapes() {
  shapesLoading ??= fetch("/map/districts/", { headers: { Accept: "application/json" } }).then((answer) => answer.json()).then((shapes) => {
    window.echarts.registerMap("districts", labelled(shapes, LABELS_CITY));
    window.echarts.registerMap("districts-inset", labelled(shapes, LABELS_INSET));
    return shapes;
  });
  return shapesLoading;
}

function regionsOf(districts, fills, { label, only }) {
  return Object.entries(districts).map(([code, district]) => ({
    name: code,
    itemStyle: { areaColor: fills[district.level ?? "none"] },
    label: { show: only(code), formatter: label(district) },
  }));
}

function geoOf(districts, theme, options) {
  const fills = FILLS[theme];
  return {
    map: options.map,
    roam: false,
    silent: !options.clickable,
    aspectScale: 0.77,
    itemStyle: { areaColor: fills.none, borderColor: fills.line, borderWidth: options.border },
    label: { show: false, offset: [0, -options.size], color: fills.ink, fontSize: options.size, lineHeight: options.size * 1.25, fontWeight: 600, textBorderColor: fills.halo, textBorderWidth: 3 },
    emphasis: { label: { show: true, color: fills.ink }, itemStyle: { areaColor: undefined } },
    select: { disabled: true },
    regions: regionsOf(districts, fills, options),
    ...options.place,
  };
}

function scatterOf(points, geoIndex, size) {
  return {
    type: "scatter",
    coordinateSystem: "geo",
    geoIndex,
    symbolSize: size,
    symbolKeepAspect: true,
    silent: true,
    z: 5,
    animation: false,
    data: points.map((point) => ({
      value: [point.longitude, point.latitude],
      symbol: SHAPES[point.level],
      itemStyle: { color: POINTS[point.level], borderColor: "#04122a", borderWidth: 1.5 },
    })),
  };
}

function linksOf(links) {
  return {
    type: "lines", coordinateSystem: "geo", geoIndex: 0, silent: true, z: 4, animation: false, symbol: ["none", "arrow"], symbolSize: 7,
    data: links.map((link) => ({ coords: [link.from, link.to], lineStyle: { color: "#5b3fa8", width: 1.4, opacity: 0.75, curveness: 0.18, type: link.weak ? "dashed" : "solid" } })),
  };
}

export const plainLabel = (district) => `${district.name}${district.count ? ` ${district.count}` : ""}`;

export const CORE = { box: [[116.02, 40.15], [116.66, 39.73]], only: (code) => CORE_CODES.has(code) };
export const OUTSIDE_CORE = { only: (code) => !CORE_CODES.has(code) };

// data: {districts: {code: {name, level, count}}, points: [{longitude, latitude, level}], links: [{from, to, weak}]}; a
// point's level may be "fine" or "silent", ends of links are
// [longitude, latitude]; `core` shows the six core districts alone; open(code) is called on a click
export async function districtMap(element, data, { theme = "light", size = 13, box = null, only = () => true, open = null, place = {} } = {}) {
  await districtShapes();
  const chart = window.echarts.getInstanceByDom(element) || window.echarts.init(element, null, { renderer: "canvas" });
  const where = box ? { boundingCoords: box, left: 0, right: 0, top: 0, bottom: 0, preserveAspect: "cover" } : { left: "2%", top: "2%", bottom: "2%", right: "2%", preserveAspect: "contain", ...place };
  chart.setOption(
    {
      animation: false,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      geo: geoOf(data.districts, theme, { size, border: theme === "dark" ? Math.max(1.6, size / 12) : 1, clickable: open !== null, label: plainLabel, only, place: where, map: box ? "districts-inset" : "districts" }),
      series: [...(data.links ? [linksOf(data.links)] : []), scatterOf(data.points, 0, size)],
    },
    { notMerge: true },
  );
  if (open && !element.dataset.opens) {
    element.dataset.opens = "1";
    chart.on("click", (event) => open(event.name));
  }
  return chart;
}

export async function drawMaps() {
  const maps = await Promise.all([...document.querySelectorAll("[data-map]")].map((element) => {
    const data = JSON.parse(document.getElementById(element.dataset.map).textContent);
    return districtMap(element, data, { size: element.clientWidth > 620 ? 13 : 11, ...(data.core ? CORE : {}) });
  }));
  window.addEventListener("resize", () => maps.forEach((map) => map.resize()));
}
