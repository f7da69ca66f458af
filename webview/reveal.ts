/** Brings a column into sight that stands below another one because the page is narrow. */
export function revealIfBelow(column: string, other: string): void {
  const [below, above] = [column, other].map((selector) => document.querySelector(selector));
  if (!below || !above) return;
  if (below.getBoundingClientRect().top < above.getBoundingClientRect().bottom) return;
  below.scrollIntoView({ block: 'start' });
}
