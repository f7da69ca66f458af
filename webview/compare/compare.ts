import { html, type TemplateResult } from 'lit';
import { recipeRows } from '../../shared/format.ts';
import type { PictureInfo } from '../../shared/gallery.ts';

interface Compared extends PictureInfo {
  /** Where the page loads the image. */
  address: string;
}

/** Two images side by side at full size, scrolled together, with the differences of their recipes. */
export function compareTemplate(
  pair: readonly [Compared, Compared],
  { back, whole }: { back: string; whole: boolean },
  actions: { compare(comparing: boolean): void; setWhole(whole: boolean): void },
): TemplateResult {
  const rows = pair.map((picture) => new Map(recipeRows(picture)));
  const labels = [...new Set(rows.flatMap((map) => [...map.keys()]))];
  const pane = ({ address, recipe }: Compared) => html`<div class="pane" tabindex="0" @scroll=${together}>
    <img src=${address} alt=${`${recipe.prompt}, seed ${recipe.seed}`} width=${recipe.width} height=${recipe.height} />
  </div>`;
  return html`<main class="compare" data-state="comparing">
    <div class="row">
      <vscode-button icon="arrow-left" data-action="back" @click=${() => actions.compare(false)}>${back}</vscode-button>
      <vscode-button secondary data-action="whole" @click=${() => actions.setWhole(!whole)}>
        ${whole ? 'Full Size' : 'Fit'}
      </vscode-button>
    </div>
    <div class=${whole ? 'panes whole' : 'panes'}>${pair.map(pane)}</div>
    <table class="differences">
      <tbody>
        ${labels.map((label) => {
          const [a, b] = rows.map((map) => map.get(label) ?? '');
          return html`<tr class=${a === b ? 'same' : 'differs'}>
            <th scope="row">${label}</th>
            <td>${a}</td>
            <td>${b}</td>
          </tr>`;
        })}
      </tbody>
    </table>
  </main>`;
}

/** Scrolls the other pane to the same place. */
function together({ target }: Event): void {
  const { scrollLeft, scrollTop, parentElement } = target as HTMLElement;
  for (const pane of parentElement?.children ?? [])
    if (pane !== target && (pane.scrollLeft !== scrollLeft || pane.scrollTop !== scrollTop))
      pane.scrollTo(scrollLeft, scrollTop);
}
