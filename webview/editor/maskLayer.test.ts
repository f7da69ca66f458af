import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Area, blankPatch, wholeOf } from '../../shared/raster.ts';
import { MaskLayer } from './maskLayer.ts';
import { toolOf } from './tools/index.ts';
import { fit, screenAreaOf, toPicture } from './viewTransform.ts';

const STAGE = { width: 720, height: 690 };
/** Places of the stage that a stroke goes through. */
const WAY = Array.from({ length: 30 }, (_, i) => ({ x: 250 + 8 * i, y: 300 + 2 * i }));
/** Radius in pixels of the screen. */
const RADIUS = 24;

/** Pixels of the screen that each move of a stroke over a picture of a size makes the page draw. */
function drawnByStroke(size: { width: number; height: number }): { moves: number[]; sent: Area[] } {
  const sent: Area[] = [];
  const layer = new MaskLayer(size, (_, patch) => sent.push(patch));
  const view = fit(size, STAGE);
  let drawn = 0;
  layer.onDraw = (area) => {
    const { width, height } = screenAreaOf(view, area);
    drawn += width * height;
  };
  const brush = { radius: RADIUS / view.scale, softness: 0.2 };
  const tools = { select() {}, pick() {}, hint() {}, outline() {} };
  const layers = { mask: layer, control: layer, colours: layer, erased: layer };
  const context = { ...layers, ...tools, brush, paint: [0, 0, 0] as const };
  const [first, ...others] = WAY.map((at) => toPicture(view, at));
  const moves: number[] = [];
  const since = (act: () => void) => {
    drawn = 0;
    act();
    moves.push(drawn);
  };
  let gesture: ReturnType<ReturnType<typeof toolOf>['begin']> | undefined;
  since(() => {
    gesture = toolOf('brush').begin(context, first!, { alt: false, shift: false });
  });
  for (const point of others) since(() => gesture!.move([point]));
  since(() => gesture!.end());
  return { moves, sent };
}

test('what a stroke draws depends on the brush on the screen, not on the size of the picture', () => {
  const small = drawnByStroke({ width: 400, height: 300 });
  const large = drawnByStroke({ width: 4000, height: 3000 });
  const most = (2 * RADIUS + 12 + 8) * (2 * RADIUS + 12 + 8);
  for (const { moves, sent } of [small, large]) {
    assert.ok(Math.max(...moves) <= most, `${moves} of at most ${most}`);
    assert.equal(moves.at(-1), 0, 'the end of a stroke draws nothing again');
    assert.equal(sent.length, 1);
  }
  const { width, height } = large.sent[0]!;
  assert.ok(width * height < (4000 * 3000) / 8, 'only the stroke is sent to the extension');
});

test('bounds follow what is painted and taken away', () => {
  const layer = new MaskLayer({ width: 40, height: 30 }, () => {});
  assert.equal(layer.bounds, undefined);
  const box = { left: 5, top: 6, width: 7, height: 8 };
  layer.write({ ...box, data: new Uint8Array(56).fill(255) });
  layer.write(blankPatch({ left: 0, top: 0, width: 8, height: 30 }));
  assert.deepEqual(layer.bounds, { left: 8, top: 6, width: 4, height: 8 });
  layer.write(blankPatch(wholeOf(layer.raster)));
  assert.equal(layer.bounds, undefined);
});

test('a cancelled gesture brings back what it took the place of', () => {
  const layer = new MaskLayer({ width: 40, height: 30 }, () => assert.fail('nothing has changed'));
  layer.write({ left: 5, top: 6, width: 2, height: 1, data: Uint8Array.of(200, 100) });
  const before = layer.raster.data.slice();
  for (const spent of [false, true]) {
    layer.spent = spent;
    layer.begin();
    layer.raster.data.fill(255, 0, 400);
    layer.painted({ left: 0, top: 0, width: 40, height: 10 });
    layer.rewind();
    layer.cancel();
    assert.deepEqual(layer.raster.data, before);
    assert.equal(layer.spent, spent);
  }
});
