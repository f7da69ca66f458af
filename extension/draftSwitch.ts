import { ConfigurationTarget, type Disposable, workspace } from 'vscode';

/** A setting that switches drafts off. */
export function draftSwitch(name: 'draftWhileTyping' | 'draftWhilePainting') {
  return {
    get isOn(): boolean {
      return workspace.getConfiguration('patchwork').get(name) !== false;
    },
    async set(on: boolean): Promise<void> {
      await workspace.getConfiguration('patchwork').update(name, on, ConfigurationTarget.Global);
    },
    onChange(listener: () => void): Disposable {
      return workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration(`patchwork.${name}`)) listener();
      });
    },
  };
}
