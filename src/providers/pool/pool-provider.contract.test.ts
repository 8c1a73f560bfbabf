import { providerContract } from '../provider.contract.ts'
import { poolBench } from './testing.ts'

providerContract('the pool provider', () => poolBench())
