// Loaded right after leaflet.draw.js: its words in Chinese, and areas as the registry counts them.
(function () {
  "use strict";

  const english = L.drawLocal;
  const chinese = {
    draw: {
      toolbar: {
        actions: { title: "放弃这次勾绘", text: "取消" },
        finish: { title: "完成勾绘", text: "完成" },
        undo: { title: "删除最后一个顶点", text: "退一点" },
        buttons: {
          polyline: "画线", polygon: "勾绘多边形", rectangle: "勾绘矩形",
          circle: "画圆", marker: "标点", circlemarker: "标圆点",
        },
      },
      handlers: {
        circle: { tooltip: { start: "按住拖动画圆" }, radius: "半径" },
        circlemarker: { tooltip: { start: "点击地图标点" } },
        marker: { tooltip: { start: "点击地图标点" } },
        polygon: {
          tooltip: {
            start: "点击地图，放下第一个顶点",
            cont: "继续点击，放下下一个顶点",
            end: "点击第一个顶点，或按“完成”闭合",
          },
        },
        polyline: {
          error: "<strong>边界不能自相交。</strong>",
          tooltip: { start: "点击开始画线", cont: "继续点击", end: "点击最后一点结束" },
        },
        rectangle: { tooltip: { start: "按住并拖动，画出矩形" } },
        simpleshape: { tooltip: { end: "松开即完成" } },
      },
    },
    edit: {
      toolbar: {
        actions: {
          save: { title: "保留修改", text: "完成" },
          cancel: { title: "放弃修改，恢复原状", text: "取消" },
          clearAll: { title: "清除全部图形", text: "全部清除" },
        },
        buttons: {
          edit: "修改边界：拖动顶点", editDisabled: "还没有可修改的图形",
          remove: "删除图形", removeDisabled: "还没有可删除的图形",
        },
      },
      handlers: {
        edit: { tooltip: { text: "拖动方块移动顶点；拖动浅色方块增加顶点", subtext: "点“取消”恢复原状" } },
        remove: { tooltip: { text: "点击要删除的图形" } },
      },
    },
  };
  L.drawWords = { zh: chinese, en: english };
  L.drawLocal = chinese;

  // Leaflet.draw measures on a sphere, 0.3 % off here. This is the ellipsoid GRS80 in its equal-area
  // cylindrical projection, as the registry measures (the same up to the bend of long edges).
  const A_M = 6378137, E2 = 0.006694380022903416, E = Math.sqrt(E2), RAD = Math.PI / 180;
  function q(lat) {
    const s = Math.sin(lat * RAD);
    return (1 - E2) * (s / (1 - E2 * s * s) + Math.log((1 + E * s) / (1 - E * s)) / (2 * E));
  }
  // L.Rectangle hands its ring over nested; both shapes are taken.
  L.GeometryUtil.geodesicArea = function (latlngs) {
    const ring = Array.isArray(latlngs[0]) ? latlngs[0] : latlngs;
    let sum = 0;
    for (let i = 0; i < ring.length; i++) {
      const a = ring[i], b = ring[(i + 1) % ring.length];
      sum += (b.lng - a.lng) * RAD * (q(a.lat) + q(b.lat));
    }
    return Math.abs(sum) * A_M * A_M / 4;
  };

  // 亩 first; 1 hectare is 15 亩 exactly.
  L.GeometryUtil.readableArea = function (area_m2) {
    function fixed(value, decimals) {
      return value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    }
    const mu = fixed(area_m2 * 15 / 10000, 2), ha = fixed(area_m2 / 10000, 4);
    return L.drawLocal === english ? mu + " mu (" + ha + " ha)" : mu + " 亩（" + ha + " 公顷）";
  };
})();
