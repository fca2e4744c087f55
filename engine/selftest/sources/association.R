# Reference values for correlations of few points: R's cor.test.
# Run from the repository's root: Rscript engine/selftest/sources/association.R
library(jsonlite)
set.seed(20261123)
case <- function(name, x, y) {
  linear <- cor.test(x, y)
  list(name = name, inputs = list(x = x, y = y),
       expected = list(pearson = unname(linear$estimate), low = linear$conf.int[1], high = linear$conf.int[2],
                       spearman = cor(x, y, method = "spearman")),
       tolerance = 1e-10)
}
x <- round(rnorm(9), 4)
cases <- list(
  case("five sizes", c(4.1, 3.9, 3.7, 3.6, 3.2), c(0.21, 0.2, 0.19, 0.195, 0.16)),
  case("ties", c(1, 1, 2, 3, 3, 3, 4), c(2, 1, 2, 2, 5, 4, 5)),
  case("falling together with noise", x, round(-0.5 * x + rnorm(9), 4))
)
told <- list(subject = "association", software = "R stats::cor.test", version = as.character(getRversion()),
             command = "Rscript engine/selftest/sources/association.R", cases = cases)
writeLines(toJSON(told, auto_unbox = TRUE, digits = NA), "engine/selftest/references/association.json")
