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
    lineStyle: { width: (at === 0 ? 2.5 : 1.8) * scale, type: DASHES[at % 3], color: colour },
    itemStyle: { color: colour },
    areaStyle: at === 0 && item.area !== false ? { color: colour, opacity: 0.16 } : undefined,
    emphasis: { disabled: true },
  };
}

function limitsOf(limits) {
  return (limits || []).map((limit) => ({
    yAxis: limit.value,
    lineStyle: { color: LEVELS[limit.level], type: "dashed", width: 1.5 },
    label: { formatter: limit.name, color: LEVELS[limit.level], position: "insideEndTop" },
  }));
}

function spansOf(spans) {
  return spans.map((span) => [
    { xAxis: cityTime(span.from), itemStyle: { color: LEVELS[span.level], opacity: 0.25, borderColor: LEVELS[span.level], borderWidth: 1 } },
    { xAxis: cityTime(span.until) },
  ]);
}

// data: {unit, decimals, series: [{name, points: [[instant, value]]}], limits: [{value, level, name}],
//   spans: [{from, until, level}], min, max}
export function lineChart(element, data, { theme = "light", size = 13, colours = COLOURS[theme], bare = false } = {}) {
  const chart = window.echarts.getInstanceByDom(element) || window.echarts.init(element, null, { renderer: "canvas" });
  const series = data.series.map((item, at) => seriesOf(item, at, theme, colours[at % colours.length], bare ? size / 16 : 1));
  if (series.length > 0 && data.limits) series[0].markLine = { symbol: "none", data: limitsOf(data.limits), silent: true };
  if (series.length > 0 && data.spans) series[0].markArea = { silent: true, data: spansOf(data.spans) };
  const text = { color: QUIET[theme], fontSize: size, margin: bare ? size * 0.5 : 8 };
  chart.setOption(
    {
      animation: false,
      useUTC: true,
      aria: { enabled: false },
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      grid: { left: size * 4.1, right: size * 1.2, top: bare ? size * 0.6 : size * 2.8, bottom: size * (bare ? 1.8 : 2) },
      legend: bare ? undefined : { top: 0, left: 0, textStyle: text, itemWidth: 28 },
      tooltip: bare ? undefined : {
        trigger: "axis", renderMode: "richText", textStyle: { color: INK.light },
        valueFormatter: (value) => `${written(value, data.decimals)} ${data.unit}`,
      },
      xAxis: { type: "time", minInterval: data.monthly ? 28 * 86400e3 : undefined, min: data.from ? cityTime(data.from) : undefined, max: data.until ? cityTime(data.until) : undefined, axisLabel: { ...text, hideOverlap: true, formatter: bare ? "{HH}:{mm}" : data.monthly ? "{yyyy}-{MM}" : { year: "{yyyy}", month: "{MM}-{dd}", day: "{MM}-{dd}", hour: "{HH}:{mm}", minute: "{HH}:{mm}" } }, axisLine: { lineStyle: { color: GRID[theme] } }, splitLine: { show: false } },
      yAxis: { type: "value", scale: true, min: data.min, max: data.max, splitNumber: bare ? 2 : 4, axisLabel: { ...text, hideOverlap: true, formatter: (value) => value.toLocaleString("en-US", { notation: value >= 100000 ? "compact" : "standard" }) }, splitLine: { lineStyle: { color: GRID[theme] } } },
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
