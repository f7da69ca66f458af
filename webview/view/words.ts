import { html, nothing, type TemplateResult } from 'lit';
import { hasNoWords } from '../../shared/vocabulary.ts';

/** Prompts that Scenes draws well. */
const EXAMPLES = [
  'a red house by a lake at sunset',
  'three yellow tents in a meadow in the morning',
  'a purple lighthouse on the sea at dusk, stormy',
  'a white snowman on a snowfield at night',
  'two blue boats at sea, under a rainbow',
];

/** Names the words of a prompt that Scenes does not know, with what to do about it. */
export function unknownTemplate(
  prompt: string,
  unknown: readonly string[],
  actions: { edit(change: { prompt: string }): void; getModels(): void },
): TemplateResult | typeof nothing {
  if (unknown.length === 0 && !(prompt && hasNoWords(prompt))) return nothing;
  const said =
    unknown.length > 0
      ? html`Scenes, the built-in model, does not know: <strong>${unknown.join(', ')}</strong>.`
      : html`Scenes, the built-in model, knows no word of this prompt.`;
  return html`<div class="unknown" data-test="unknown">
    <span class="codicon codicon-info" aria-hidden="true"></span>
    <div>
      <p>
        ${said} It draws landscapes with houses, trees, boats, cars, windmills, lighthouses, tents, balloons,
        castles, cats, snowmen, flowers, umbrellas, rockets, kites and mushrooms.
      </p>
      <p class="row wrap">${examples(actions)}</p>
      <button type="button" class="link" data-action="getModels" @click=${actions.getModels}>
        Get a model that knows more…
      </button>
    </div>
  </div>`;
}

/** Prompts to click. */
export function examples(actions: { edit(change: { prompt: string }): void }): TemplateResult[] {
  return EXAMPLES.slice(0, 3).map(
    (prompt) =>
      html`<button type="button" class="chip" data-test="example" @click=${() => actions.edit({ prompt })}>
        ${prompt}
      </button>`,
  );
}
