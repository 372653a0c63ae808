// Draws the charts of a page to the width there is, in the colours of its ground. The page has TONES and `clicked`.
"use strict";
const views = [];
const read = (id) => JSON.parse(document.getElementById(id).textContent);

// Charts take their colours from the ground they are shown on: a dark one on a dark screen, a light one on paper.
const dark = matchMedia("(prefers-color-scheme: dark)");
let tones = dark.matches ? TONES.dark : TONES.light;

// The darkest layers would hardly be seen on a dark ground; a page keeps the colours of layers that it was opened with.
const lifted = dark.matches;
document.documentElement.classList.toggle("lifted", lifted);
const lift = (color) =>
  "#" + [1, 3, 5].map((i) => Math.round(0.75 * parseInt(color.slice(i, i + 2), 16) + 0.25 * 255).toString(16).padStart(2, "0")).join("");

function liftLayers(spec) {
  for (const view of [spec, ...(spec.layer ?? [])]) {
    for (const channel of [view.encoding?.color, view.encoding?.stroke]) {
      if (channel?.field === "layer") channel.scale.range = channel.scale.range.map(lift);
    }
  }
}

function paint(chosen) {
  tones = chosen;
  for (const { view } of views) {
    for (const [name, color] of Object.entries(tones)) view.signal(name, color);
    view.run(); // at once: a print does not wait
  }
}

dark.addEventListener("change", () => paint(dark.matches ? TONES.dark : TONES.light));
addEventListener("beforeprint", () => {
  paint(TONES.light);
  for (const details of document.querySelectorAll("section > details:not([open])")) details.dataset.closed = details.open = true;
});
addEventListener("afterprint", () => {
  paint(dark.matches ? TONES.dark : TONES.light);
  for (const details of document.querySelectorAll("details[data-closed]")) details.open = false;
});

function fit(chart, element, spec) {
  const width = Math.max(240, Math.floor(element.clientWidth) - 4);
  return { width, height: chart.aspect ? Math.round(width * chart.aspect) : spec.height };
}

async function draw(chart) {
  const element = document.getElementById(chart.id);
  if (lifted) liftLayers(chart.spec);
  let last = fit(chart, element, chart.spec); // what the view was told: its own width is that without the axes
  const params = Object.entries(tones).map(([name, value]) => ({ name, value }));
  const spec = { ...chart.spec, ...last, config: { ...chart.spec.config, params } };
  const heavy = JSON.stringify(spec.datasets ?? {}).length > 60000;
  const result = await vegaEmbed(element, spec, {
    renderer: heavy ? "canvas" : "svg",
    actions: { export: true, source: false, compiled: false, editor: false },
    downloadFileName: chart.id,
    loader: { load: () => Promise.reject(new Error("this page loads nothing")) },
  });
  const view = result.view;
  view.addEventListener("click", (event, item) => clicked(item?.datum));
  new ResizeObserver(() => {
    const size = fit(chart, element, chart.spec);
    if (size.width === last.width && size.height === last.height) return;
    last = size;
    // A plot that by chance has this width already, without its axes, would not see that anything changed.
    view.width(size.width === view.width() ? size.width - 1 : size.width).height(size.height).runAsync();
  }).observe(element.parentElement);
  views.push({ id: chart.id, view });
}

(async () => {
  try {
    let paused = -Infinity;
    for (const chart of read("charts")) {
      if (performance.now() - paused > 100) {
        await new Promise((resolve) => setTimeout(resolve)); // what is there is shown, and can be scrolled
        paused = performance.now();
      }
      await draw(chart);
    }
    document.documentElement.dataset.charts = "drawn";
  } catch (error) {
    document.documentElement.dataset.charts = `failed: ${error}`;
    console.error(error);
  }
})();
