/// <reference types="vscode-webview" />
/** The page of the picture editor. The extension host owns the picture and its edits, the page owns the view of it. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-checkbox/index.js';
import '@vscode-elements/elements/dist/vscode-option/index.js';
import '@vscode-elements/elements/dist/vscode-progress-bar/index.js';
import '@vscode-elements/elements/dist/vscode-single-select/index.js';
import '@vscode-elements/elements/dist/vscode-textarea/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import { render } from 'lit';
import type { EditorHostMessage, SavedEditor } from '../../shared/editorProtocol.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { inOrder } from '../inOrder.ts';
import { actionsOf } from './actions.ts';
import { Editor } from './editor.ts';
import { listenForKeys } from './keyboard.ts';
import { Receiver } from './receiver.ts';
import { shortcutsOf } from './shortcuts.ts';
import { editorTemplate } from './template.ts';

const vscode = acquireVsCodeApi<SavedEditor>();
const editor = new Editor(
  {
    send: (message) => vscode.postMessage(message),
    saved: vscode.getState(),
    save: (state) => vscode.setState(state),
  },
  (page) => render(editorTemplate(page, actions), document.body),
);
const { page, stage } = editor;
const actions = actionsOf(editor);
listenForKeys(stage.element, shortcutsOf(editor, actions));
// VS Code turns its own shortcut for copying into this event.
document.addEventListener('copy', (event) => {
  const { activeElement } = document;
  if (activeElement !== document.body && activeElement !== stage.element) return;
  event.preventDefault();
  actions.copy(page.masked ? 'selection' : 'picture');
});
const receiver = new Receiver(editor, actions);
const take = inOrder<EditorHostMessage>(
  (message) => receiver.receive(message),
  (error, { type }) => {
    reportError(error);
    // The answer to the report is a state.
    if (type !== 'state')
      editor.send({ type: 'failed', what: 'The editor could not show a change', reason: messageOf(error) });
  },
);
window.addEventListener('message', ({ data }: MessageEvent<EditorHostMessage>) => take(data));
editor.update();
editor.send({ type: 'ready' });
