// The districts over a base map, drawn by MapLibre GL: tiles by address, or one PMTiles file (raster, or vector with the
// layers of the Protomaps basemap). Names and points are elements of the page, so no glyph server is asked.
import { FILLS, SHAPES, districtShapes } from "./map.js";

const BEIJING = { bounds: [[115.35, 39.4], [117.6, 41.1]] };
const POINTS = { 1: "#ff5c66", 2: "#ff9a3d", 3: "#ffd84d", 4: "#63b0ff" };
const MVT = 1;
let map = null;
let markers = [];

function canDraw() {
  return Boolean(document.createElement("canvas").getContext("webgl2"));
}

function loadScript(address) {
  return new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", done);
    script.addEventListener("error", failed);
    document.head.append(script);
  });
}

function addStyles() {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = "/static/vendor/maplibre-gl.css";
  return new Promise((done) => {
    link.addEventListener("load", done);
    document.head.append(link);
  });
}

const line = (id, layer, colour, width) => ({ id, type: "line", source: "base", "source-layer": layer, paint: { "line-color": colour, "line-width": width } });
const fill = (id, layer, colour) => ({ id, type: "fill", source: "base", "source-layer": layer, paint: { "fill-color": colour } });
const VECTOR = [fill("earth", "earth", "#0b1f3f"), fill("landuse", "landuse", "#0d2448"), fill("water", "water", "#0a3a66"), line("roads", "roads", "#2a4d7d", 0.8), line("borders", "boundaries", "#3b6ba5", 1)];
const RASTER = [{ id: "tiles", type: "raster", source: "base", paint: { "raster-saturation": -0.5, "raster-brightness-max": 0.55 } }];

async function baseOf(library, set) {
  if (set.kind === "tiles") return { source: { type: "raster", tiles: [set.address], tileSize: 256 }, layers: RASTER };
  await loadScript("/static/vendor/pmtiles.js");
  const protocol = new window.pmtiles.Protocol();
  library.addProtocol("pmtiles", protocol.tile);
  const file = new window.pmtiles.PMTiles(new URL(set.address, location.href).href);
  protocol.add(file);
  const header = await file.getHeader();
  const url = `pmtiles://${new URL(set.address, location.href).href}`;
  return header.tileType === MVT ? { source: { type: "vector", url }, layers: VECTOR } : { source: { type: "raster", url, tileSize: 256 }, layers: RASTER };
}

function coloured(shapes, districts) {
  const levels = Object.fromEntries(districts.map((district) => [district.code, district.level]));
  return { ...shapes, features: shapes.features.map((feature) => ({ ...feature, properties: { ...feature.properties, colour: FILLS.dark[levels[feature.properties.code] ?? "none"] } })) };
}

function pointElement(level) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("width", "22");
  svg.setAttribute("height", "22");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[level].replace("path://", ""));
  path.setAttribute("fill", POINTS[level]);
  path.setAttribute("stroke", "#04122a");
  svg.append(path);
  return svg;
}

// Draws, or draws again; false where this browser cannot.
export async function baseMap(element, wall, points) {
  if (!canDraw()) return false;
  const library = await import("../vendor/maplibre-gl.mjs");
  const shapes = coloured(await districtShapes(), wall.districts);
  if (map === null) {
    await addStyles();
    const frame = document.createElement("div");
    frame.className = "map-frame-gl";
    element.append(frame);
    const base = await baseOf(library, wall.base_map);
    map = new library.Map({
      container: frame,
      style: { version: 8, sources: { base: base.source, districts: { type: "geojson", data: shapes } }, layers: [
        { id: "ground", type: "background", paint: { "background-color": "#071630" } },
        ...base.layers,
        { id: "districts", type: "fill", source: "districts", paint: { "fill-color": ["get", "colour"], "fill-opacity": 0.55 } },
        { id: "outlines", type: "line", source: "districts", paint: { "line-color": FILLS.dark.line, "line-width": 1.5 } },
      ] },
      ...BEIJING, attributionControl: { compact: true }, fadeDuration: 0,
    });
    await new Promise((done) => { map.once("load", done); });
    map.on("click", "districts", (event) => {
      const found = wall.districts.find((district) => district.code === event.features[0].properties.code);
      if (found) location.href = found.trace;
    });
  } else {
    map.getSource("districts").setData(shapes);
  }
  markers.forEach((marker) => marker.remove());
  markers = points.map((point) => new library.Marker({ element: pointElement(point.level) }).setLngLat([point.longitude, point.latitude]).addTo(map));
  for (const district of wall.districts.filter((one) => one.longitude !== null)) {
    const name = document.createElement("span");
    name.className = "map-name";
    name.textContent = district.alarms ? `${district.short} ${district.alarms}` : district.short;
    markers.push(new library.Marker({ element: name, offset: [0, -18] }).setLngLat([district.longitude, district.latitude]).addTo(map));
  }
  return true;
}
