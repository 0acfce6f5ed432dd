import { describeEngine } from './contract.suite.ts';
import { ortEngine } from './ort/index.ts';
import { referenceEngine } from './reference/index.ts';

describeEngine('ort', () => ortEngine());
describeEngine('reference', referenceEngine, { runs: 3 });
