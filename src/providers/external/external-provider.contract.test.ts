import { providerContract } from '../provider.contract.ts'
import { externalBench } from './bench.ts'

providerContract('the external provider', () => externalBench())
