/** `npm run budget -w bench`: writes budget.json anew, for a change that is meant to need more, or that needs less. */
import { writeFileSync } from 'node:fs';
import { madeOf } from './budget.ts';
import { type TrainingName, trainings } from './workloads/index.ts';

const all = Object.fromEntries(Object.keys(trainings).map((name) => [name, madeOf(name as TrainingName)]));
writeFileSync(new URL('../budget.json', import.meta.url), `${JSON.stringify(all, null, 2)}\n`);
