import { NO_EXTENSION } from '../../shared/editorProtocol.ts';
import type { Editor } from './editor.ts';
import type { WayActions } from './page.ts';
import { cropTo } from './sides.ts';

/** Choosing what is done to the image, and doing it. */
export function wayActionsOf(editor: Editor): WayActions {
  const { page, send } = editor;
  return {
    chooseWay(way) {
      page.crop = undefined;
      editor.edit({ way });
    },
    chooseCrop() {
      editor.setCrop(page.crop ?? NO_EXTENSION);
      editor.live.soon();
    },
    setCrop: (crop) => editor.setCrop(crop),
    cropToMask() {
      const { mask, picture } = page.stage;
      const bounds = mask?.bounds;
      if (bounds && picture) editor.setCrop(cropTo(bounds, picture.size));
    },
    setLive(on) {
      page.live = { ...page.live, on };
      send({ type: 'setLive', on });
      editor.live.soon();
    },
    apply() {
      const { crop, draft } = page;
      send(crop ? { type: 'crop', crop } : { type: 'apply', draft });
      if (crop) editor.setCrop(undefined);
    },
  };
}
