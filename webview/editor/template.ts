import { html, nothing, type TemplateResult } from 'lit';
import type { EditorActions, EditorPage } from './page.ts';
import { optionsBar, toolRail } from './parts/bars.ts';
import { sidePanel } from './parts/side.ts';
import { statusStrip } from './parts/statusStrip.ts';

export function editorTemplate(page: EditorPage, actions: EditorActions): TemplateResult {
  const { state, stage } = page;
  const doing = !stage.picture ? 'loading' : state?.run ? 'running' : 'idle';
  return html`<main class="editor" data-state=${doing}>
    ${toolRail(page, actions)} ${optionsBar(page, actions)}
    <div class="canvas" aria-busy=${String(doing !== 'idle')}>${stage.element} ${banner(page, actions)}</div>
    ${sidePanel(page, actions)} ${statusStrip(page, actions)}
  </main>`;
}

function banner({ state }: EditorPage, actions: EditorActions): TemplateResult | typeof nothing {
  if (state?.changedOnDisk)
    return html`<div class="banner row" role="alert" data-test="changed">
      <span class="grow">${state.name} has changed on the disk.</span>
      <vscode-button secondary data-action="reload" @click=${actions.reload}>Reload</vscode-button>
      <vscode-button secondary data-action="keep" @click=${actions.keep}>Keep Mine</vscode-button>
    </div>`;
  if (state?.readOnly)
    return html`<div class="banner row" data-test="readOnly">
      <span class="codicon codicon-lock" aria-hidden="true"></span>
      <span class="grow">${state.name} is read-only. Use Save As… to keep your edits.</span>
    </div>`;
  return nothing;
}
