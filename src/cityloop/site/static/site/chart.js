// Curves over time with ECharts. `drawCharts()` draws every element with data-chart; the wall calls `lineChart` itself.
const QUIET = { light: "#55606e", dark: "#a9c3df" };
const GRID = { light: "#e3e8ef", dark: "#1b3a63" };
const INK = { light: "#1b2530", dark: "#eaf4ff" };
const COLOURS = { light: ["#0b57b8", "#7a4a00", "#5b3fa8", "#0d6b4f"], dark: ["#4fd1ff", "#a9c3df", "#ffd84d"] };
const LEVELS = { 1: "#c0212f", 2: "#b8470b", 3: "#9a7400", 4: "#1864ab" };
const DASHES = ["solid", "dashed", "dotted"];

const CITY_OFFSET_MS = 8 * 3600 * 1000;

// The axis shows the city's wall clock (Asia/Shanghai, no summer time), whatever the zone of this computer.
export const cityTime = (instant) => Date.parse(instant) + CITY_OFFSET_MS;

function written(value, decimals) {
  return value === null || value === undefined
    ? "–"
    : value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

export { written };

function seriesOf(item, at, theme, colour, scale) {
  return {
    name: item.name,
    type: "line",
    data: item.points.map(([instant, value]) => [cityTime(instant), value]),
    showSymbol: item.points.length < 3,
    connectNulls: false,
    yAxisIndex: item.right ? 1 : 0,
    lineStyle: { width: (at === 0 ? 2.5 : 1.8) * scale, type: DASHES[(item.look ?? at) % 3], color: colour },
    itemStyle: { color: colour },
    areaStyle: at === 0 && item.area !== false ? { color: colour, opacity: 0.16 } : undefined,
    emphasis: { disabled: true },
  };
}

function limitsOf(limits, theme) {
  return (limits || []).map((limit) => ({
    yAxis: limit.value,
    lineStyle: { color: LEVELS[limit.level] || QUIET[theme], type: limit.level ? "dashed" : [10, 4, 2, 4], width: 1.5 },
    label: { formatter: limit.name, color: LEVELS[limit.level] || QUIET[theme], position: limit.at || "insideEndTop", ...(limit.level ? {} : { backgroundColor: "#ffffffd9", padding: [1, 4] }) },
  }));
}

// A moment is an upright line: the present on a curve that goes on ahead.
function momentOf(moment, theme) {
  return moment ? [{ xAxis: cityTime(moment.at), lineStyle: { color: INK[theme], type: "solid", width: 1 }, label: { formatter: moment.name, color: INK[theme], position: "insideEndTop", rotate: 0, distance: 4 } }] : [];
}

// Runs of hours that have both ends; the band is not drawn across hours that have none.
function runsOf(points) {
  const runs = [[]];
  for (const [instant, low, high] of points) {
    if (low === null || high === null) runs.push([]);
    else runs.at(-1).push([cityTime(instant), low, high]);
  }
  return runs.filter((run) => run.length > 1);
}

function bandOf(band, colour) {
  return runsOf(band.points).map((run) => ({
    name: band.name, type: "custom", z: 1, silent: true, clip: true, data: run, encode: { x: 0, y: [1, 2] }, itemStyle: { color: colour, opacity: 0.22 },
    renderItem: (params, api) => {
      if (params.dataIndexInside > 0) return null;
      const edge = [...run.map(([at, , high]) => api.coord([at, high])), ...[...run].reverse().map(([at, low]) => api.coord([at, low]))];
      return { type: "polygon", silent: true, shape: { points: edge }, style: { fill: colour, opacity: 0.22 } };
    },
  }));
}

// What a pointer over the curve reads: each curve in the unit of its own axis, the band by both its ends.
function tipOf(data) {
  return (items) => [items[0]?.axisValueLabel ?? "", ...items.map((item) => {
    const ends = item.seriesType === "custom";
    const right = data.series.some((one) => one.name === item.seriesName && one.right);
    const [decimals, unit] = right ? [data.right.decimals, data.right.unit] : [data.decimals, data.unit];
    const said = ends ? `${written(item.value[1], decimals)} – ${written(item.value[2], decimals)}` : written(item.value[1], decimals);
    return `${item.seriesName}  ${said} ${unit}`;
  })].join("\n");
}

function rightAxisOf(right, text) {
  return { type: "value", scale: true, name: right.unit, nameGap: 6, nameTextStyle: text, position: "right", splitNumber: 4, axisLabel: text, splitLine: { show: false } };
}

// How many rows the legend takes, so that it does not lie over the curve: Chinese signs are as wide as they are high.
function legendRows(names, width, size) {
  let [rows, used] = [1, 0];
  for (const name of names) {
    const wide = 28 + 5 + 10 + [...name].reduce((sum, sign) => sum + (sign > "\u2e80" ? size : size * 0.6), 0);
    if (used > 0 && used + wide > width) [rows, used] = [rows + 1, 0];
    used += wide;
  }
  return rows;
}

function spansOf(spans) {
  return spans.map((span) => [
    { xAxis: cityTime(span.from), itemStyle: { color: LEVELS[span.level], opacity: 0.25, borderColor: LEVELS[span.level], borderWidth: 1 } },
    { xAxis: cityTime(span.until) },
  ]);
}

// data: {unit, decimals, series: [{name, points: [[instant, value]]}], limits: [{value, level, name}],
//   spans: [{from, until, level}], min, max, band: {name, points: [[instant, low, high]]}, moment: {at, name},
//   right: {unit, decimals}}; a series with `right` is read on the second axis, `look` says which colour and dash it
//   has; a limit without `level` is no alarm's, its `at` says where its name stands
export function lineChart(element, data, { theme = "light", size = 13, colours = COLOURS[theme], bare = false } = {}) {
  const chart = window.echarts.getInstanceByDom(element) || window.echarts.init(element, null, { renderer: "canvas" });
  const series = data.series.map((item, at) => seriesOf(item, at, theme, colours[(item.look ?? at) % colours.length], bare ? size / 16 : 1));
  if (series.length > 0 && (data.limits || data.moment)) series[0].markLine = { symbol: "none", data: [...limitsOf(data.limits, theme), ...momentOf(data.moment, theme)], silent: true };
  if (series.length > 0 && data.spans) series[0].markArea = { silent: true, data: spansOf(data.spans) };
  if (data.band) series.push(...bandOf(data.band, colours[1 % colours.length]));
  const rows = bare ? 0 : legendRows([...new Set(series.map((item) => item.name))], element.clientWidth, size);
  const text = { color: QUIET[theme], fontSize: size, margin: bare ? size * 0.5 : 8 };
  chart.setOption(
    {
      animation: false,
      useUTC: true,
      aria: { enabled: false },
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      grid: { left: size * 4.1, right: size * (data.right ? 3.4 : 1.2), top: bare ? size * 0.6 : size * (1 + 1.8 * rows + (data.moment ? 1.1 : 0)), bottom: size * (bare ? 1.8 : 2) },
      legend: bare ? undefined : { top: 0, left: 0, textStyle: text, itemWidth: 28 },
      tooltip: bare ? undefined : {
        trigger: "axis", renderMode: "richText", textStyle: { color: INK.light },
        ...(data.band || data.right ? { formatter: tipOf(data) } : {}),
        valueFormatter: (value) => `${written(value, data.decimals)} ${data.unit}`,
      },
      xAxis: { type: "time", minInterval: data.monthly ? 28 * 86400e3 : undefined, min: data.from ? cityTime(data.from) : undefined, max: data.until ? cityTime(data.until) : undefined, axisLabel: { ...text, hideOverlap: true, formatter: bare ? "{HH}:{mm}" : data.monthly ? "{yyyy}-{MM}" : { year: "{yyyy}", month: "{MM}-{dd}", day: "{MM}-{dd}", hour: "{HH}:{mm}", minute: "{HH}:{mm}" } }, axisLine: { lineStyle: { color: GRID[theme] } }, splitLine: { show: false } },
      yAxis: [{ type: "value", scale: true, min: data.min, max: data.max, splitNumber: bare ? 2 : 4, axisLabel: { ...text, hideOverlap: true, formatter: (value) => value.toLocaleString("en-US", { notation: value >= 100000 ? "compact" : "standard" }) }, splitLine: { lineStyle: { color: GRID[theme] } } }, ...(data.right ? [rightAxisOf(data.right, text)] : [])],
      series,
    },
    { notMerge: true },
  );
  return chart;
}

export function drawCharts() {
  const charts = [...document.querySelectorAll("[data-chart]")].map((element) => {
    const data = JSON.parse(document.getElementById(element.dataset.chart).textContent);
    return lineChart(element, data);
  });
  window.addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
}
