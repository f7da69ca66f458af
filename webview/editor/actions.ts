import { messageOf } from '../../shared/errorMessage.ts';
import { LIMITS } from '../../shared/limits.ts';
import { blankPatch } from '../../shared/raster.ts';
import { droppedIn } from '../additions/form.ts';
import { copyBlob } from '../clipboard.ts';
import { editActionsOf } from './editActions.ts';
import type { Editor } from './editor.ts';
import type { EditorActions } from './page.ts';
import { pictureBlob } from './selection.ts';
import { wayActionsOf } from './wayActions.ts';

/** Actions of the page's buttons and fields. */
export function actionsOf(editor: Editor): EditorActions {
  const { page, stage, mask, send } = editor;
  return {
    edit: (change) => editor.edit(change),
    choose: (tool) => editor.choose(tool),
    setBrush: (change) => editor.setBrush(change),
    setOpacity: (opacity) => mask.setOpacity(opacity),
    setColour: (colour) => mask.setColour(colour),
    setPaint: (colour) => editor.setPaint(colour),
    clearColours() {
      const bounds = stage.colours?.bounds;
      if (bounds) stage.colours!.change('Clear Colours', blankPatch(bounds, 4));
    },
    mask: (action) => mask.change(action),
    toggleMask: () => mask.show(!page.maskShown),
    setAmount(amount) {
      const whole = Math.round(amount);
      const { min, max } = LIMITS.maskEdge;
      if (Number.isFinite(whole)) page.amount = Math.min(max, Math.max(min, whole));
      editor.update();
    },
    reselect() {
      if (page.state?.canReselect) send({ type: 'reselect' });
    },
    toggleControl: () => editor.showControl(!page.controlShown),
    clearControl() {
      const bounds = stage.control?.bounds;
      if (bounds) stage.control!.change('Clear Control Layer', blankPatch(bounds, 3));
    },
    chooseControl: (what) => send({ type: 'chooseControl', what }),
    async dropControl(event) {
      event.preventDefault();
      const dropped = await droppedIn(event.dataTransfer);
      if (dropped && 'bytes' in dropped) send({ type: 'giveControl', ...dropped });
      else if (dropped) send({ type: 'giveControlUri', uri: dropped.uri });
    },
    ...editActionsOf(editor),
    ...wayActionsOf(editor),
    cancel: () => send({ type: 'cancel' }),
    cancelSelect: () => send({ type: 'cancelSelect' }),
    see: (variation) => editor.see(variation),
    pick: (id) => send({ type: 'pick', id }),
    discard: () => send({ type: 'discard' }),
    measure: () => send({ type: 'measure' }),
    pickPrompt: () => send({ type: 'pickPrompt' }),
    undo: () => send({ type: 'undo' }),
    redo: () => send({ type: 'redo' }),
    toggleCompare: () => editor.toggleCompare(),
    showLevel: (level) => editor.showLevel(level),
    async copy(what) {
      try {
        await copyBlob(await pictureBlob(stage, what));
        send({ type: 'copied', what: `the ${what}` });
      } catch (error) {
        send({ type: 'failed', what: `The ${what} could not be copied`, reason: messageOf(error) });
      }
    },
    drag: (event) => editor.dragOut.start(event),
    insertLink: () => send({ type: 'insertLink' }),
    upscale: () => send({ type: 'upscale' }),
    getModel: (model) => send({ type: 'getModel', model }),
    getModels: () => send({ type: 'getModels' }),
    cutOut: () => send({ type: 'cutOut' }),
    loadMask: () => send({ type: 'loadMask' }),
    exportMask: () => send({ type: 'exportMask' }),
    reload: () => send({ type: 'reload' }),
    keep: () => send({ type: 'keep' }),
    showLog: () => send({ type: 'showLog' }),
    openSettings: () => send({ type: 'openSettings' }),
  };
}
