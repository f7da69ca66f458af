import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import type { ControlRow } from '../../../shared/additions.ts';
import { modelTitle } from '../../../shared/modelTitle.ts';
import { controlNumbers, hintField } from '../../additions/template.ts';
import type { EditorActions, EditorPage } from '../page.ts';
import { sketch } from '../tools/brushes.ts';
import { iconButton } from './button.ts';

/** The control layer: what is drawn in it, and how it steers edits. */
export function controlSection(page: EditorPage, actions: EditorActions): TemplateResult {
  const { controlled, controlShown, tool } = page;
  return html`<section
    aria-labelledby="control-title"
    data-test="control"
    @dragover=${(event: DragEvent) => event.preventDefault()}
    @drop=${actions.dropControl}
  >
    <h2 id="control-title">Control layer</h2>
    <div class="row wrap">
      ${iconButton({
        icon: controlShown ? 'eye' : 'eye-closed',
        title: controlShown ? 'Hide Control Layer (K)' : 'Show Control Layer (K)',
        action: 'toggleControl',
        disabled: !controlled,
        onClick: actions.toggleControl,
      })}
      ${iconButton({
        icon: sketch.icon,
        title: `Draw a Sketch (${sketch.key})`,
        action: 'drawControl',
        pressed: tool === sketch,
        onClick: () => actions.choose(sketch),
      })}
      ${iconButton({
        icon: 'folder-opened',
        title: 'Use an Image… (or Drop One Here)',
        action: 'controlPicture',
        onClick: () => actions.chooseControl('picture'),
      })}
      ${iconButton({
        icon: 'trash',
        title: 'Clear Control Layer',
        action: 'clearControl',
        disabled: !controlled,
        onClick: actions.clearControl,
      })}
    </div>
    ${controlled ? settings(page, actions) : html`<p class="hint">Draw outlines of what edits should paint, or drop an image here.</p>`}
  </section>`;
}

function settings({ draft: { control }, state }: EditorPage, actions: EditorActions): TemplateResult {
  const change = (changed: Partial<ControlRow>) => actions.edit({ control: { ...control, ...changed } });
  const model = control.model || (state?.controlModel ?? '');
  return html`<vscode-checkbox
      label="Steers edits"
      .checked=${live(control.on)}
      data-action="useControl"
      @change=${({ target }: Event) => change({ on: (target as HTMLInputElement).checked })}
    ></vscode-checkbox>
    ${
      control.on
        ? html`<div class="addition">
            ${hintField(control, change)}
            <button
              type="button"
              class="link ${model ? '' : 'missing'}"
              title=${model || 'Choose the ControlNet that reads it'}
              data-action="controlModel"
              @click=${() => actions.chooseControl('model')}
            >
              ${model ? modelTitle(model) : 'Choose a ControlNet…'}
            </button>
            ${controlNumbers(control, change)}
          </div>`
        : nothing
    }`;
}
