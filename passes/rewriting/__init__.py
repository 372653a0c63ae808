"""What several passes need to rewrite networks: building digital operators, reading constants, sweeping dead code."""
