# Reference values for how embeddings lie: R's svd and dist.
# Run from the repository's root: Rscript engine/selftest/sources/embedding_spread.R
library(jsonlite)
set.seed(20261123)
entropy <- function(p) -sum(p * log(p))
case <- function(name, x, patient) {
  values <- svd(scale(x, scale = FALSE))$d
  sphere <- x / sqrt(rowSums(x^2))
  square <- as.matrix(dist(sphere))^2
  upper <- upper.tri(square)
  same <- outer(patient, patient, "==")
  list(name = name, inputs = list(x = x, patient = patient),
       expected = list(effective_rank = exp(entropy(values / sum(values))), alignment = mean(square[upper & same]),
                       uniformity = log(mean(exp(-2 * square[upper & !same])))),
       tolerance = 1e-9)
}
normal <- function(n, d) matrix(round(rnorm(n * d), 5), n, d)
cases <- list(
  case("two recordings a patient", normal(30, 5), rep(0:14, each = 2)),
  case("uneven patients, directions of different length",
       sweep(normal(24, 4), 2, c(1, 2, 4, 8), "*"), c(rep(0, 5), rep(1, 3), rep(2, 2), 3:16))
)
told <- list(subject = "embedding_spread", software = "R base svd and stats::dist", version = as.character(getRversion()),
             command = "Rscript engine/selftest/sources/embedding_spread.R", cases = cases)
writeLines(toJSON(told, auto_unbox = TRUE, digits = NA), "engine/selftest/references/embedding_spread.json")
