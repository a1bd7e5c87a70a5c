// A click on the map of a report fills in its longitude and latitude; the fields can be filled in by hand as well.
import { districtMap } from "../site/map.js";
import { ready } from "../site/page-ready.js";

const element = document.querySelector("[data-map]");
const data = JSON.parse(document.getElementById(element.dataset.map).textContent);
const longitude = document.getElementById("id_longitude");
const latitude = document.getElementById("id_latitude");

function points() {
  return longitude.value && latitude.value
    ? [{ longitude: Number(longitude.value), latitude: Number(latitude.value), level: 4 }]
    : [];
}

const draw = () => districtMap(element, { ...data, points: points() });
const chart = await draw();
chart.getZr().on("click", (event) => {
  const place = chart.convertFromPixel({ geoIndex: 0 }, [event.offsetX, event.offsetY]);
  if (place) {
    longitude.value = place[0].toFixed(6);
    latitude.value = place[1].toFixed(6);
    latitude.dispatchEvent(new Event("change"));
  }
});
for (const field of [longitude, latitude]) field.addEventListener("change", draw);
window.addEventListener("resize", () => chart.resize());
ready();
