import { html, type TemplateResult } from 'lit';

/** The name of a codicon, or a drawing of 16 × 16. */
export type Icon = string | TemplateResult;

export function icon(drawn: Icon): TemplateResult {
  return typeof drawn === 'string'
    ? html`<span class="codicon codicon-${drawn}" aria-hidden="true"></span>`
    : html`<svg class="icon" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">${drawn}</svg>`;
}
