from mutmut.mutation.mutators import Operators

mutation_operators: Operators
