# Reference values for debiased CKA: the bias-corrected inner product of U-centred matrices of R's package energy, given
# the entries of the linear kernel where it usually has distances, and distances themselves.
# Run from the repository's root: Rscript engine/selftest/sources/cka.R
library(jsonlite)
library(energy)
set.seed(20261123)
kernel <- function(x) as.dist(x %*% t(x))
case <- function(name, x, y) {
  list(name = name, inputs = list(x = x, y = y),
       expected = list(linear = unname(bcdcor(kernel(x), kernel(y))), distances = unname(bcdcor(dist(x), dist(y)))),
       tolerance = 1e-9)
}
normal <- function(n, d) matrix(round(rnorm(n * d), 5), n, d)
x <- normal(25, 4)
rotation <- qr.Q(qr(normal(4, 4)))
cases <- list(
  case("related features", x, round(x[, 1:3] + 0.7 * normal(25, 3), 5)),
  case("independent features", x, normal(25, 6)),
  case("a rotation and a scale", x, round(3 * x %*% rotation, 9)),
  case("more features than recordings", normal(12, 30), normal(12, 40))
)
told <- list(subject = "cka", software = "R energy::bcdcor", version = as.character(packageVersion("energy")),
             command = "Rscript engine/selftest/sources/cka.R", cases = cases)
writeLines(toJSON(told, auto_unbox = TRUE, digits = NA), "engine/selftest/references/cka.json")
