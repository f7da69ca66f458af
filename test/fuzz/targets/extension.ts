/** Input of the extension from VS Code's settings and storage, from files and pages. */
import assert from 'node:assert/strict';
import { deserialize, serialize } from 'node:v8';
import fc from 'fast-check';
import { InputError } from '../../../engine/errors.ts';
import { EXPORTS } from '../../../extension/benchmark/export.ts';
import { readReport } from '../../../extension/benchmark/readReport.ts';
import { backupOf, readBackup, restoreParts } from '../../../extension/editor/backup.ts';
import type { Painted } from '../../../extension/editor/painted.ts';
import { PictureModel, type Step } from '../../../extension/editor/pictureModel.ts';
import { readStoredPicture } from '../../../extension/gallery/storedPicture.ts';
import { markdownText } from '../../../extension/markdown.ts';
import { messageText } from '../../../extension/messageText.ts';
import { SETTINGS } from '../../../extension/settingEntries.ts';
import { outputFolder, pictureSettings, styleSettings } from '../../../extension/settings.ts';
import { readSavedView } from '../../../extension/view/saved.ts';
import { isWellFormed } from '../../../processes/engine/parent.ts';
import { row, run } from '../../../shared/benchmark/testing.ts';
import { plainText } from '../../../shared/plainText.ts';
import { blankRaster } from '../../../shared/raster.ts';
import { resultOf } from '../../../shared/testing.ts';
import { changed, damaged, oddText, type Target, target } from '../target.ts';

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value) ?? '');
const report = JSON.parse(EXPORTS.json.write([run({}, [row(), row({ mask: 'a' })])]));
const stored = {
  id: '01234567-89ab-4def-8123-456789abcdef',
  request: { prompt: 'a house' },
  ...resultOf(),
};
const backup = await backupOf({ file: Uint8Array.of(1), disk: 'x', ...(await extendedPicture()) });
const value = fc.oneof(oddText, fc.anything({ maxDepth: 2 }), fc.constantFrom('512x512', 8, 'int8'));

function blankModel(): PictureModel<Painted> {
  return new PictureModel<Painted>(blankRaster(6, 4, 3));
}

/** A picture with a mask and a larger canvas, and the steps to it. */
async function extendedPicture(): Promise<{ model: PictureModel<Painted>; steps: Step<Painted>[] }> {
  const model = blankModel();
  const steps: Step<Painted>[] = [];
  const perform = async (step: Step<Painted> | undefined) => {
    await model.do(step!);
    steps.push(step!);
  };
  await perform(
    await model.drawing('mask', 'x', { left: 1, top: 1, width: 2, height: 1, data: Uint8Array.of(200, 9) }),
  );
  const result = blankRaster(8, 6, 3);
  result.data.fill(9);
  const extension = { left: 2, top: 1, right: 0, bottom: 1 };
  const [start, mask] = [await model.canvas(), blankRaster(6, 4, 1)];
  const about = undefined as never;
  const others = [{ result: blankRaster(8, 6, 3), about }];
  await perform(await model.painting({ label: 'x', start, extension, result, mask, about, others }));
  await perform(
    await model.restoring('x', { left: 3, top: 2, width: 1, height: 1, data: Uint8Array.of(200) }),
  );
  await perform(await model.varying('x', model.edits[0]!.id, model.edits[0]!.others![0]!.id));
  await perform(await model.cropping('x', { left: 1, top: 2, width: 5, height: 3 }));
  await perform(await model.fading('x', model.edits[1]!.id, 0.5));
  await perform(await model.moving('x', model.edits[1]!.id, -1));
  return { model, steps };
}

/** Runs a reader that may refuse its input in one sentence for the user. */
async function refusing(
  act: () => void | Promise<void>,
  ...refusals: (new (
    ...args: never[]
  ) => Error)[]
): Promise<void> {
  try {
    await act();
  } catch (error) {
    assert.ok(
      refusals.some((refusal) => error instanceof refusal),
      String(error),
    );
    assert.doesNotMatch(messageText((error as Error).message), /(?!\n)\p{Cc}|\]\(/u);
  }
}

export const targets: Target[] = [
  target(
    'settings',
    fc.record(Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, value]))),
    (all) => {
      const get = (name: string) => (all as Record<string, unknown>)[name];
      refusing(() => void pictureSettings(get, '/workspace'), InputError);
      refusing(() => void styleSettings(get), InputError);
      refusing(() => {
        for (const segment of outputFolder(get)) assert.ok(segment !== '..' && !/[/\\\0]/.test(segment));
      }, InputError);
    },
  ),
  target('benchmark files and their exports', changed(report), (json) =>
    refusing(() => {
      const runs = [{ id: 'x', report: readReport(bytes(json), 'run.json') }];
      for (const { write } of Object.values(EXPORTS)) assert.equal(typeof write(runs), 'string');
      assert.doesNotMatch(EXPORTS.csv.write(runs), /(^|[,\n])"?[=+@]/);
    }, InputError),
  ),
  target('stored images', fc.oneof(changed(stored).map(bytes), damaged(bytes(stored))), (read) => {
    const picture = readStoredPicture(read, 0);
    assert.ok(!picture || (picture.recipe.prompt !== undefined && !('bus' in picture.request)));
  }),
  target(
    'backups',
    fc.oneof(damaged(backup), changed(deserialize(backup)).map(serialize), fc.uint8Array()),
    (read) =>
      refusing(async () => {
        const found = readBackup(read);
        const model = blankModel();
        await restoreParts(model, found);
        for (const step of [...found.steps].reverse()) await model.undo(step);
      }, Error),
  ),
  target('what pages keep', fc.anything(), (saved) => void readSavedView(saved)),
  target('messages to the engine process', fc.anything(), (message) => void isWellFormed(message)),
  target('text that is shown', oddText, (text) => {
    assert.doesNotMatch(plainText(text), /[\p{Cc}\p{Cs}]/u);
    assert.doesNotMatch(messageText(text), /\]\(|\$\(/);
    assert.doesNotMatch(markdownText(text), /^[#>=+-]|(^|[^\\])(\\\\)*[<[]|\n/);
  }),
];
