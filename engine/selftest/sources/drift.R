# Reference values for drift: R's ks.test. Run from the repository's root: Rscript engine/selftest/sources/drift.R
library(jsonlite)
set.seed(20261123)
case <- function(name, x, y) {
  statistic <- unname(suppressWarnings(ks.test(x, y))$statistic)
  list(name = name, inputs = list(reference = x, local = y), expected = list(gap = statistic), tolerance = 1e-12)
}
cases <- list(
  case("two normal samples", round(rnorm(40), 6), round(rnorm(31, 0.5), 6)),
  case("ties within and between", sample(1:8, 50, TRUE), sample(3:11, 37, TRUE)),
  case("one recording against many", 0.3, round(runif(20), 6))
)
told <- list(subject = "drift", software = "R stats::ks.test", version = as.character(getRversion()),
             command = "Rscript engine/selftest/sources/drift.R", cases = cases)
json <- toJSON(told, auto_unbox = TRUE, digits = NA, pretty = FALSE)
json <- gsub('"local":([0-9.-]+)', '"local":[\\1]', gsub('"reference":([0-9.-]+)', '"reference":[\\1]', json))
writeLines(json, "engine/selftest/references/drift.json")
