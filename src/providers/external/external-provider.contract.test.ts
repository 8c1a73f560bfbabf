import { providerContract } from '../provider.contract.ts'
import { externalBench } from './testing.ts'

providerContract('the external provider', () => externalBench())
