// A staff page with charts or maps: draws them, then says that it is ready. The page's body carries data-drawing.
import { drawCharts } from "./chart.js";
import { drawMaps } from "./map.js";
import { ready } from "./page-ready.js";

if (document.querySelector("[data-map], [data-chart]")) {
  drawCharts();
  await drawMaps();
}
ready();
