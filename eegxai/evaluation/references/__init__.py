"""What a map is compared with besides the planted signal."""
