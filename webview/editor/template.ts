import { html, nothing, type TemplateResult } from 'lit';
import { failureTemplate } from '../failure.ts';
import type { EditorActions, EditorPage } from './page.ts';
import { optionsBar, toolRail } from './templates/bars.ts';
import { sidePanel } from './templates/side.ts';
import { statusStrip } from './templates/statusStrip.ts';

export function editorTemplate(page: EditorPage, actions: EditorActions): TemplateResult {
  const doing = doingOf(page);
  if (doing === 'broken') return brokenTemplate(page, actions);
  const busy = doing === 'loading' || doing === 'running';
  return html`<main class="editor" data-state=${doing} data-mask=${page.maskShown ? 'shown' : 'outline'} data-runs=${page.runs} data-prepared=${String(page.state?.prepared ?? false)}>
    ${toolRail(page, actions)} ${optionsBar(page, actions)}
    <div class="canvas" aria-busy=${String(busy)}>
      ${page.stage.element} ${banner(page, actions)}
    </div>
    ${sidePanel(page, actions)} ${statusStrip(page, actions)}
  </main>`;
}

function doingOf({ state, stage }: EditorPage): 'loading' | 'broken' | 'running' | 'idle' {
  if (!stage.picture) return state?.failure ? 'broken' : 'loading';
  return state?.run ? 'running' : 'idle';
}

/** In place of everything if there is no picture to edit. */
function brokenTemplate({ state }: EditorPage, actions: EditorActions): TemplateResult {
  return html`<main class="editor" data-state="broken">
    <div class="broken empty">
      <span class="codicon codicon-file-media" aria-hidden="true"></span>
      <span>This image can't be displayed.</span>
      ${failureTemplate(state!.failure!, actions)}
    </div>
  </main>`;
}

function banner({ state }: EditorPage, actions: EditorActions): TemplateResult | typeof nothing {
  if (state?.changedOnDisk)
    return html`<div class="banner row" role="alert" data-test="changed">
      <span class="grow">${state.name} has changed on disk.</span>
      <div class="row wrap">
        <vscode-button secondary data-action="reload" @click=${actions.reload}>
          Reload from Disk
        </vscode-button>
        <vscode-button secondary data-action="keep" @click=${actions.keep}>
          Keep My Version
        </vscode-button>
      </div>
    </div>`;
  if (state?.readOnly)
    return html`<div class="banner row" data-test="readOnly">
      <span class="codicon codicon-lock" aria-hidden="true"></span>
      <span class="grow">${state.name} is read-only. Use Save As… to keep your edits.</span>
    </div>`;
  return nothing;
}
