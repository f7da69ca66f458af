/** Fields that several pages have. */
import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { SEED_RULE } from '../shared/seed.ts';

interface TextField {
  id: string;
  /** For screen readers: what the field's own label says. */
  label: string;
  placeholder?: string;
  value: string;
  /** Lines of a field for longer texts; a single line if absent. */
  rows?: number;
  invalid?: boolean;
  onInput: (value: string) => void;
}

export function textField({
  id,
  label,
  placeholder = '',
  value,
  rows,
  invalid = false,
  onInput,
}: TextField): TemplateResult {
  const input = (event: Event) => onInput(typedIn(event));
  return rows
    ? html`<vscode-textarea
        id=${id}
        label=${label}
        rows=${rows}
        resize="vertical"
        placeholder=${placeholder}
        .value=${live(value)}
        @input=${input}
      ></vscode-textarea>`
    : html`<vscode-textfield
        id=${id}
        label=${label}
        placeholder=${placeholder}
        .invalid=${invalid}
        .value=${live(value)}
        @input=${input}
      ></vscode-textfield>`;
}

/** A field that takes one of a few values. */
export function selectField({
  id,
  label,
  value,
  options,
  onChange,
}: {
  id: string;
  label: string;
  value: string;
  options: readonly (readonly [value: string, title: string])[];
  onChange: (value: string) => void;
}): TemplateResult {
  return html`<vscode-single-select
    id=${id}
    label=${label}
    .value=${live(value)}
    @change=${(event: Event) => onChange(typedIn(event))}
  >
    ${options.map(
      ([each, title]) =>
        html`<vscode-option value=${each} ?selected=${each === value}>${title}</vscode-option>`,
    )}
  </vscode-single-select>`;
}

/** Submits a form, also by Ctrl+Enter in a field. */
export function submitting(ready: boolean, act: () => void) {
  const submit = (event: Event) => {
    event.preventDefault();
    if (ready) act();
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit(event);
  };
  return { submit, keys };
}

export function seedError(bad: boolean): TemplateResult | typeof nothing {
  return bad ? html`<span class="error" role="alert">${SEED_RULE}.</span>` : nothing;
}

/** The contents of a field that has just been changed. */
export function typedIn(event: Event): string {
  return (event.target as HTMLElement & { value: string }).value;
}
