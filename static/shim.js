// Loaded right after leaflet.js by every map. Mends Leaflet for our use and holds what our own map
// layers (pages/_maps.py) need in the browser, as `sinksMap`.
(function () {
  "use strict";

  // Leaflet guesses this folder from its style sheet, which st_folium adds too late.
  L.Icon.Default.imagePath = new URL("vendor/leaflet/images/", document.currentScript.src).href;

  // The prefix is a flag and a link out of the house.
  L.Map.addInitHook(function () {
    if (this.attributionControl) this.attributionControl.setPrefix(false);
  });

  // Leaflet rounds to 6 decimals (0.1 m). A vertex nobody moved must come back as it was stored, or
  // every edit opens slivers along the neighbours.
  const toGeoJSON = L.Polygon.prototype.toGeoJSON;
  L.Polygon.include({
    toGeoJSON: function (precision) {
      return toGeoJSON.call(this, precision === undefined ? false : precision);
    },
  });

  // A map may be built before its frame has a height (a map that takes another's place), and would
  // then look at the whole earth: what it was told to look at last is looked at once it has a size.
  const fitBounds = L.Map.prototype.fitBounds;
  L.Map.include({
    fitBounds: function (bounds, options) {
      const size = this.getSize();
      if (size.x > 0 && size.y > 0) return fitBounds.call(this, bounds, options);
      if (!this._sinksWanted) {
        this.once("resize", function () {
          const wanted = this._sinksWanted;
          this._sinksWanted = null;
          this.fitBounds(wanted.bounds, wanted.options);
        });
      }
      this._sinksWanted = { bounds: bounds, options: options };
      return this;
    },
  });

  const INK = "#1f5c4d";
  const WORDS = {
    zh: { in: "放大", out: "缩小", area: "面积约", none: "尚未勾绘" },
    en: { in: "Zoom in", out: "Zoom out", area: "Area about", none: "Nothing drawn yet" },
  };
  let words = WORDS.zh;

  // A GeoJSON polygon's rings as Leaflet polygon.
  function polygon(rings, style) {
    return L.polygon(L.GeoJSON.coordsToLatLngs(rings, 1), style);
  }

  // A box in a corner of the map that says one line.
  function box(map, position) {
    const control = L.control({ position: position });
    const div = L.DomUtil.create("div", "sinks-box");
    control.onAdd = function () { return div; };
    control.addTo(map);
    return div;
  }

  // Fill of estimated (not verified) things: an SVG pattern, one per colour.
  function hatch(colour) {
    const id = "hatch-" + colour.replace(/[^0-9a-z]/gi, "");
    if (!document.getElementById(id)) {
      const svg = L.SVG.create("svg");
      svg.setAttribute("width", 0);
      svg.setAttribute("height", 0);
      svg.style.position = "absolute";
      const pattern = L.SVG.create("pattern");
      pattern.setAttribute("id", id);
      pattern.setAttribute("width", 7);
      pattern.setAttribute("height", 7);
      pattern.setAttribute("patternUnits", "userSpaceOnUse");
      pattern.setAttribute("patternTransform", "rotate(45)");
      const line = L.SVG.create("line");
      line.setAttribute("y2", 7);
      line.setAttribute("stroke", colour);
      line.setAttribute("stroke-width", 4);
      line.setAttribute("stroke-opacity", 0.6);
      pattern.appendChild(line);
      svg.appendChild(pattern);
      document.body.appendChild(svg);
    }
    return "url(#" + id + ")";
  }

  function style(feature) {
    const p = feature.properties;
    return {
      color: p.state_colour,
      weight: 1.5,
      fillColor: p.hatched ? hatch(p.state_colour) : p.state_colour,
      fillOpacity: p.hatched ? 1 : 0.35,
    };
  }

  // Labels of a layer are shown where they fit inside the shape, so that a map never drowns in text.
  function fitLabels(map, layer) {
    function fit() {
      layer.eachLayer(function (each) {
        if (!each.getTooltip() || !each.getBounds) return;
        const bounds = each.getBounds();
        const width = map.latLngToLayerPoint(bounds.getNorthEast()).x
          - map.latLngToLayerPoint(bounds.getSouthWest()).x;
        const shown = width > 14 * each.feature.properties.label.length;
        if (shown !== each.isTooltipOpen()) { if (shown) each.openTooltip(); else each.closeTooltip(); }
      });
    }
    map.on("zoomend", fit);
    fit();
    // A label is centred by its width; a style sheet that comes later than the label changes that.
    document.addEventListener("load", function (event) {
      if (event.target.tagName !== "LINK") return;
      layer.eachLayer(function (each) { if (each.getTooltip()) each.getTooltip().update(); });
    }, true);
  }

  // Rows of one kind at a time, the ones to look at last and so on top.
  function drawRows(canvas, rows, scale, sharp, colours) {
    canvas.lineJoin = "round";
    colours.forEach(function (colour, kind) {
      canvas.fillStyle = colour + "59";
      canvas.strokeStyle = colour;
      canvas.lineWidth = kind ? 1.6 * sharp : 0.8 * sharp;
      // Each row by itself: in one path, two that overlap would look like a hole.
      rows.forEach(function (row) {
        if (row[0] !== kind) return;
        const path = new Path2D();
        let polygons = row[2];
        if (typeof polygons[0] === "number") {
          path.rect(polygons[0] * scale - sharp, polygons[1] * scale - sharp, 2 * sharp, 2 * sharp);
          canvas.fill(path);
          canvas.stroke(path);
          return;
        }
        if (typeof polygons[0][0][0] === "number") polygons = [polygons];
        polygons.forEach(function (rings) {
          rings.forEach(function (ring) {
            ring.forEach(function (point, i) {
              if (i) path.lineTo(point[0] * scale, point[1] * scale);
              else path.moveTo(point[0] * scale, point[1] * scale);
            });
            path.closePath();
          });
        });
        canvas.fill(path, "evenodd");
        canvas.stroke(path);
      });
    });
  }

  function areaOfLayer(layer) {
    const rings = layer.getLatLngs();
    return rings.reduce(function (sum, ring, i) {
      const area = L.GeometryUtil.geodesicArea(ring);
      return i === 0 ? area : sum - area;
    }, 0);
  }

  window.sinksMap = {
    speak: function (map, language) {
      words = WORDS[language];
      if (map.zoomControl) {
        map.zoomControl._zoomInButton.title = words.in;
        map.zoomControl._zoomOutButton.title = words.out;
      }
      L.control.scale({ imperial: false }).addTo(map);
      if (L.drawWords) L.drawLocal = L.drawWords[language];
    },

    // What lies beneath: outlines and names, never clickable, so a drawing hand passes through.
    around: function (map, collection) {
      const layer = L.geoJSON(collection, {
        interactive: false,
        style: function (feature) {
          const colour = feature.properties.state_colour || "#7d8a84";
          const own = style({ properties: Object.assign({}, feature.properties, { state_colour: colour }) });
          if (!feature.properties.hatched) own.fillOpacity = feature.properties.state_colour ? 0.12 : 0.04;
          return Object.assign(own, { interactive: false, weight: 1.2, dashArray: "5 4" });
        },
        onEachFeature: function (feature, each) {
          if (feature.properties.label) {
            each.bindTooltip(feature.properties.label,
              { permanent: true, direction: "center", className: "sinks-label", interactive: false });
          }
        },
      }).addTo(map);
      fitLabels(map, layer);
      return layer;
    },

    features: function (map, collection) {
      return L.geoJSON(collection, {
        style: style,
        pointToLayer: function (feature, latlng) {
          return L.circleMarker(latlng, { radius: 6 });
        },
        onEachFeature: function (feature, each) {
          if (feature.properties.label) each.bindTooltip(feature.properties.label, { sticky: true });
        },
      }).addTo(map);
    },

    // A white band below a coloured line: seen on any base map. Lets clicks through.
    highlight: function (map, feature, colour) {
      const band = { color: "#ffffff", weight: 7, fill: false, interactive: false };
      const line = { color: colour, weight: 3.5, fill: false, interactive: false };
      const point = function (f, latlng) { return L.circleMarker(latlng, { radius: 9 }); };
      const group = L.featureGroup([
        L.geoJSON(feature, { style: band, interactive: false, pointToLayer: point }),
        L.geoJSON(feature, { style: line, interactive: false, pointToLayer: point }),
      ]);
      const bounds = group.getBounds();
      if (!map.getBounds().intersects(bounds)) map.panTo(bounds.getCenter());
      return group;
    },

    // Many outlines, drawn tile by tile on canvas from an address of ours that gives
    // [[kind, row, coordinates]] in units of the tile; colours by kind.
    tiles: function (map, source) {
      const Outlines = L.GridLayer.extend({
        createTile: function (coords, done) {
          const tile = L.DomUtil.create("canvas", "leaflet-tile");
          const size = this.getTileSize();
          const sharp = window.devicePixelRatio || 1;
          tile.width = size.x * sharp;
          tile.height = size.y * sharp;
          const url = L.Util.template(source.url, { z: coords.z, x: coords.x, y: coords.y });
          fetch(url, { credentials: "same-origin" })
            .then(function (answer) {
              if (!answer.ok) throw new Error(answer.status);
              return answer.json();
            })
            .then(function (rows) {
              const scale = (size.x / source.units) * sharp;
              drawRows(tile.getContext("2d"), rows, scale, sharp, source.colours);
              done(null, tile);
            })
            .catch(function (error) { done(error, tile); });
          return tile;
        },
      });
      return new Outlines({ maxZoom: 20, updateWhenZooming: false }).addTo(map);
    },

    fit: function (map, layer) {
      const bounds = layer.getBounds();
      if (bounds.isValid()) map.fitBounds(bounds, { padding: [16, 16], maxZoom: 17 });
    },

    // The outline being drawn or edited. Not `many`: a new outline replaces the one before.
    // Every change is told to the server at once (st_folium listens to draw:edited): whoever drags a
    // vertex and then presses the page's own button, without the toolbar's, loses nothing.
    outline: function (map, polygons, many) {
      const group = L.featureGroup(polygons.map(function (rings) {
        return polygon(rings, { color: INK, weight: 3, fillOpacity: 0.2 });
      })).addTo(map);
      const div = box(map, "bottomright");
      div.classList.add("sinks-area");
      function say(area_m2) {
        div.textContent = area_m2
          ? words.area + " " + L.GeometryUtil.readableArea(area_m2, true) : words.none;
      }
      function sayGroup() {
        let area_m2 = 0;
        group.eachLayer(function (layer) { area_m2 += areaOfLayer(layer); });
        say(area_m2);
      }
      let corners = null;
      map.on("draw:drawstart", function () { corners = []; });
      map.on("draw:drawvertex", function (event) {
        corners = event.layers.getLayers().map(function (marker) { return marker.getLatLng(); });
        say(L.GeometryUtil.geodesicArea(corners));
      });
      map.on("mousemove", function (event) {
        // A finger has no place between two taps.
        if (L.Browser.mobile || !corners || corners.length < 2) return;
        say(L.GeometryUtil.geodesicArea(corners.concat(event.latlng)));
      });
      map.on("draw:drawstop", function () { corners = null; sayGroup(); });
      map.on("draw:created", function (event) {
        if (many) return;
        group.eachLayer(function (layer) { if (layer !== event.layer) group.removeLayer(layer); });
      });
      function changed() {
        sayGroup();
        map.fire("draw:edited", { layers: group });
      }
      map.on("draw:editvertex draw:editmove draw:editresize draw:editstop", changed);
      group.on("layeradd layerremove", changed);
      sayGroup();
      return group;
    },

    // The one line that is drawn: a new one takes its place.
    line: function (map) {
      const group = L.featureGroup().addTo(map);
      map.on("draw:created", function (event) {
        group.eachLayer(function (layer) { if (layer !== event.layer) group.removeLayer(layer); });
      });
      return group;
    },

    // The shapes of a county that lie in view, asked for anew whenever the view changes. Never
    // clickable: the page asks the database what lies under a click on the map.
    inView: function (map, url, said) {
      const layer = L.geoJSON(null, {
        interactive: false,
        renderer: L.canvas(),
        style: function (feature) {
          const taken = feature.properties.taken;
          return { color: taken ? "#8c5a6b" : "#2b6cb0", weight: 1, interactive: false,
            fillColor: taken ? "#8c5a6b" : "#2b6cb0", fillOpacity: taken ? 0.3 : 0.06 };
        },
      }).addTo(map);
      const numbers = L.layerGroup().addTo(map);
      const div = box(map, "bottomleft");
      let asked = 0;
      function show(found) {
        layer.clearLayers();
        numbers.clearLayers();
        layer.addData(found);
        const count = found.features.length;
        div.textContent = found.more ? said.more.replace("{n}", count) : said.count.replace("{n}", count);
        if (count > 150) return;
        layer.eachLayer(function (each) {
          const width = map.latLngToLayerPoint(each.getBounds().getNorthEast()).x
            - map.latLngToLayerPoint(each.getBounds().getSouthWest()).x;
          if (width < 12 * each.feature.properties.label.length) return;
          numbers.addLayer(L.tooltip({ permanent: true, direction: "center", className: "sinks-label" })
            .setLatLng(each.getBounds().getCenter())
            .setContent(document.createTextNode(each.feature.properties.label)));
        });
      }
      function ask() {
        const size = map.getSize();
        if (size.x < 1 || size.y < 1) return;
        const b = map.getBounds(), mine = ++asked;
        const bounds = [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()].map(function (n) {
          return n.toFixed(6);
        });
        fetch(url + "?bounds=" + bounds.join(","))
          .then(function (answer) {
            if (!answer.ok) throw new Error(answer.status);
            return answer.json();
          })
          .then(function (found) { if (mine === asked) show(found); })
          .catch(function () { if (mine === asked) div.textContent = said.failed; });
      }
      map.on("moveend resize", ask);
      ask();
      return layer;
    },

    // Reads the value of the cell under the mouse or finger. Row 0 is the northernmost.
    cells: function (map, grid) {
      const div = box(map, "bottomleft");
      const empty = grid.title;
      div.textContent = empty;
      map.on("mousemove click", function (event) {
        const row = Math.floor((grid.north - event.latlng.lat) / (grid.north - grid.south) * grid.rows);
        const col = Math.floor((event.latlng.lng - grid.west) / (grid.east - grid.west) * grid.cols);
        const inside = row >= 0 && row < grid.rows && col >= 0 && col < grid.cols;
        const value = inside ? grid.values[row * grid.cols + col] : null;
        div.textContent = value === null ? empty : value + " " + grid.unit;
      });
    },
  };
})();
