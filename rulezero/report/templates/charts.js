const specs = JSON.parse(document.getElementById("specs").textContent);
for (const place of document.querySelectorAll("[data-figure]")) {
  window
    .vegaEmbed(place, specs[place.dataset.figure], { renderer: "svg", actions: false, tooltip: { theme: "page" } })
    .catch((error) => {
      place.textContent = "This chart could not be drawn: " + error.message;
      console.error(place.dataset.figure, error);
    });
}
