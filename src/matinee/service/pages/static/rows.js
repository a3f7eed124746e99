// Arrows for the rows that scroll sideways; they show only where there is more.

/** Give every row below `root` its arrows. */
export function watchRows(root) {
  for (const row of root.querySelectorAll("[data-row]")) watch(row);
}

function watch(row) {
  const films = row.querySelector("[data-across]");
  const turns = [...row.querySelectorAll("[data-turn]")];
  const update = () => {
    const rest = films.scrollWidth - films.clientWidth;
    for (const turn of turns) {
      turn.hidden = rest < 2;
      turn.disabled = turn.dataset.turn < 0 ? films.scrollLeft < 2 : films.scrollLeft > rest - 2;
    }
  };
  for (const turn of turns) {
    turn.addEventListener("click", () => films.scrollBy({ left: turn.dataset.turn * films.clientWidth * 0.85 }));
  }
  films.addEventListener("scroll", update, { passive: true });
  new ResizeObserver(update).observe(films);
}
