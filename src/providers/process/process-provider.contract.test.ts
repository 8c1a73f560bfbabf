import { providerContract } from '../provider.contract.ts'
import { startingProviderContract } from '../starting-provider.contract.ts'
import { processBench } from './bench.ts'

providerContract('the process provider', () => processBench())
startingProviderContract('the process provider', () => processBench())
