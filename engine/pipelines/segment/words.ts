import type { PictureLabel } from '../../../shared/api.ts';
import type { GradedGroup } from './tagger.ts';

/** Probability from which an independent label counts as present. */
const PRESENT = 0.5;
/** Most objects that one prompt names. */
const MOST_OBJECTS = 2;

/**
 * Below this the setting of a whole picture is a guess: the product of the probabilities of each exclusive group's
 * surest word. Of the kind of pictures that the tagger was trained on, one in fifty comes below.
 */
const SURE_SETTING = 0.95;

/** Groups of labels that name something in the picture; the others describe all of it. */
const NAMING = ['object', 'part'];
/** Labels that are not mentioned. */
const UNSAID: Readonly<Record<string, string>> = { weather: 'clear' };

/** The words for a picture: all that are present, and the most probable one of each exclusive group. */
export function labelsOf(groups: readonly GradedGroup[]): PictureLabel[] {
  return groups.flatMap((group) => {
    const sorted = gradedLabels(group);
    return group.activation === 'softmax' ? sorted.slice(0, 1) : sorted.filter(isPresent);
  });
}

/**
 * Whether a whole picture seems to be of a kind that the tagger does not know: its setting is a guess, or no object is
 * seen.
 */
export function isOutlandish(groups: readonly GradedGroup[]): boolean {
  const surest = ({ probabilities }: GradedGroup) => Math.max(...probabilities);
  const setting = groups.filter(({ activation }) => activation === 'softmax');
  const objects = groups.filter(({ name }) => name === 'object');
  return (
    setting.reduce((product, group) => product * surest(group), 1) < SURE_SETTING ||
    objects.every((group) => surest(group) <= PRESENT)
  );
}

/** The most probable names of an object. */
export function namesOf(groups: readonly GradedGroup[]): PictureLabel[] {
  const labels = groups.filter(({ name }) => NAMING.includes(name)).flatMap(gradedLabels);
  const present = labels.filter(isPresent).sort((a, b) => b.probability - a.probability);
  return oneColourEach(present);
}

/**
 * A prompt from which a picture like this could be drawn: its objects, or else its parts, then where, when and what
 * weather it is.
 */
export function promptOf(labels: readonly PictureLabel[]): string {
  const of = (group: string) => labels.filter((label) => label.group === group);
  const objects = oneColourEach(of('object'));
  const named = (objects.length > 0 ? objects : of('part')).slice(0, MOST_OBJECTS);
  const [terrain, time, weather] = ['terrain', 'time', 'weather'].map((group) =>
    of(group)
      .filter(({ value }) => value !== UNSAID[group])
      .map(({ phrase }) => phrase)
      .at(0),
  );
  const sentence = [named.map(({ phrase }) => phrase).join(' and '), terrain, time].filter(Boolean).join(' ');
  return [sentence, weather].filter(Boolean).join(', ');
}

function gradedLabels({ name, values, phrases, probabilities }: GradedGroup): PictureLabel[] {
  return values
    .map((value, i) => ({ group: name, value, phrase: phrases[i]!, probability: probabilities[i]! }))
    .sort((a, b) => b.probability - a.probability);
}

function isPresent({ probability }: PictureLabel): boolean {
  return probability > PRESENT;
}

/** Each object in its most probable colour only; its kind is the last word. */
function oneColourEach(labels: readonly PictureLabel[]): PictureLabel[] {
  const kinds = new Set<string>();
  return labels.filter(({ value }) => {
    const kind = value.split(' ').at(-1)!;
    return !kinds.has(kind) && kinds.add(kind);
  });
}
