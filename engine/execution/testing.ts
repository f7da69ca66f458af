import { readFileSync } from 'node:fs';
import path from 'node:path';
import { NodeBackend } from '../backends/node/backend.ts';
import type { Model } from '../models/model.ts';
import { autoencoderFacts, Networks, networkOf, placeOf } from '../models/networks.ts';
import { sizesOf } from '../models/sizes.ts';
import { openWeights } from '../weights/folder.ts';
import { Components } from './components.ts';

/** A model with only an autoencoder, in `folder` (`config.json` and weights), on one thread. */
export function autoencoderComponents(folder: string): Components {
  const config = JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8'));
  const networks = new Networks((role) => networkOf(role, config, folder));
  const facts = autoencoderFacts(config, folder);
  const model: Model = {
    name: path.basename(folder),
    id: folder,
    autoencoder: facts,
    sizes: sizesOf(facts),
    defaults: { steps: 1, guidance: 1, width: 64, height: 64 },
    network: (role) => networks.get(role),
    weights: (role) => openWeights(folder, placeOf(role).stem),
  };
  return new Components(model, new NodeBackend(1), 1);
}
