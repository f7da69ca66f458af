import { html, nothing, type TemplateResult } from 'lit';
import { type Icon, icon } from '../icons.ts';

interface IconButton {
  icon: Icon;
  /** What it does, with its key in brackets. */
  title: string;
  /** Names it in tests. */
  action: string;
  /** State of a toggle button. */
  pressed?: boolean;
  disabled?: boolean;
  /** Reachable by the Tab key (default true). */
  reachable?: boolean;
  onClick: () => void;
}

export function iconButton({
  icon: name,
  title,
  action,
  pressed,
  disabled,
  reachable = true,
  onClick,
}: IconButton): TemplateResult {
  return html`<button
    type="button"
    class="icon-button"
    title=${title}
    aria-label=${title}
    aria-pressed=${pressed === undefined ? nothing : String(pressed)}
    data-action=${action}
    tabindex=${reachable ? nothing : -1}
    ?disabled=${disabled}
    @click=${onClick}
  >
    ${icon(name)}
  </button>`;
}

interface Slider {
  label: string;
  /** Shown behind it. */
  text: string;
  title?: string;
  min: number;
  max: number;
  step: number;
  value: number;
  action: string;
  disabled?: boolean;
  onInput: (value: number) => void;
  /** When it is released. */
  onChange?: (value: number) => void;
}

export function slider({
  label,
  text,
  title,
  action,
  disabled = false,
  onInput,
  onChange = () => {},
  ...range
}: Slider): TemplateResult {
  const numberOf = ({ target }: Event) => Number((target as HTMLInputElement).value);
  return html`<label class="slider" title=${title ?? nothing}>
    <span>${label}</span>
    <input
      type="range"
      min=${range.min}
      max=${range.max}
      step=${range.step}
      .value=${String(range.value)}
      aria-valuetext=${text}
      data-action=${action}
      ?disabled=${disabled}
      @input=${(event: Event) => onInput(numberOf(event))}
      @change=${(event: Event) => onChange(numberOf(event))}
    />
    <output>${text}</output>
  </label>`;
}
