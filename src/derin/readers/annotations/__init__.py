"""What people marked in pictures, in the forms of their tools: boxes, outlines and points."""
