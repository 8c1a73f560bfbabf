import { providerContract } from '../provider.contract.ts'
import { processBench } from './bench.ts'

providerContract('the process provider', () => processBench())
