import { html, svg, type TemplateResult } from 'lit';

/** Icons that codicons do not have, 16 × 16. */
const DRAWN: Readonly<Record<string, TemplateResult>> = {
  brush: svg`<path fill="currentColor" d="M14.4 1.6a1.7 1.7 0 0 0-2.4 0L6.2 7.4l2.4 2.4L14.4 4a1.7 1.7 0 0 0 0-2.4ZM5.3 8.4c-1.6.1-2.5 1.1-2.7 2.5-.2 1.1-.5 1.8-1.6 2.4 1.3 1 3 1.3 4.4.9 1.5-.5 2.4-1.8 2.3-3.4L5.3 8.4Z"/>`,
  restore: svg`<g fill="none" stroke="currentColor" stroke-width="1.2" stroke-linecap="round" stroke-linejoin="round"><path d="M2.5 3v3.300h3.300M2.9 6.300A5.6 5.6 0 1 1 2.4 9.5"/></g><circle cx="8" cy="8.5" r="1.9" fill="currentColor"/>`,
  rectangle: svg`<rect x="2" y="3.5" width="12" height="9" fill="none" stroke="currentColor" stroke-width="1.2" stroke-dasharray="2.4 1.6"/>`,
  lasso: svg`<g fill="none" stroke="currentColor" stroke-width="1.2" stroke-linecap="round"><path d="M5 10.1C3 9.4 1.8 8.1 1.8 6.5 1.8 4 4.6 2.2 8 2.200s6.2 1.8 6.2 4.3-2.8 4.3-6.2 4.300c-.6 0-1.2-.1-1.7-.2"/><circle cx="5.2" cy="11" r="1.3"/><path d="M5.2 12.300c0 1.2-.6 1.8-1.7 2.2"/></g>`,
};

/** A codicon, or one of ours by its name. */
export function icon(name: string): TemplateResult {
  const drawn = DRAWN[name];
  return drawn
    ? html`<svg class="icon" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">${drawn}</svg>`
    : html`<span class="codicon codicon-${name}" aria-hidden="true"></span>`;
}
