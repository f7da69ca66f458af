/** Fields that several pages have. */
import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { reweighted } from '../shared/emphasisKeys.ts';
import { SEED_RULE } from '../shared/seed.ts';

interface TextField {
  id: string;
  /** For screen readers: what the field's own label says. */
  label: string;
  placeholder?: string;
  value: string;
  /** Lines of a field for longer texts; a single line if absent. */
  rows?: number;
  /** Words get more or less weight by keys: only fields with `rows`. */
  weighs?: boolean;
  invalid?: boolean;
  onInput: (value: string) => void;
}

export function textField({
  id,
  label,
  placeholder = '',
  value,
  rows,
  weighs,
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
        title=${weighs ? 'Ctrl+Up, Ctrl+Down: more or less weight for the word at the cursor' : nothing}
        .value=${live(value)}
        @input=${input}
        @keydown=${weighs ? weighByKeys : nothing}
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

/** Ctrl and an arrow key: the selected words, or the word at the cursor, count more or less. */
function weighByKeys(event: KeyboardEvent): void {
  if (!(event.ctrlKey || event.metaKey) || !['ArrowUp', 'ArrowDown'].includes(event.key)) return;
  event.preventDefault();
  const { wrappedElement: text } = event.currentTarget as HTMLElement & {
    wrappedElement: HTMLTextAreaElement;
  };
  const change = reweighted(text.value, text.selectionStart, text.selectionEnd, event.key === 'ArrowUp');
  if (!change) return;
  text.setSelectionRange(change.from, change.to);
  // Unlike an assignment it can be undone, and the field reports it.
  document.execCommand('insertText', false, change.text);
  text.setSelectionRange(...change.select);
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
