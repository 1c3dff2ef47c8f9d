"""What threads and turns do, without waiting for anything: state, and the steps (:mod:`._steps`) that change it."""
