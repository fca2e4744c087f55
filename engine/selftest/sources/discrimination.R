# Reference values for discrimination: pROC. Run from the repository's root:
# Rscript engine/selftest/sources/discrimination.R
suppressMessages({library(jsonlite); library(pROC)})
set.seed(20261123)
case <- function(name, y, first, second) {
  a <- roc(y, first, levels = c(0, 1), direction = "<")
  b <- roc(y, second, levels = c(0, 1), direction = "<")
  covariance <- cov(a, b, method = "delong")
  best <- coords(a, "best", best.method = "youden", ret = c("sensitivity", "specificity"), transpose = FALSE)
  expected <- list(auroc = as.numeric(auc(a)), variance = var(a, method = "delong"),
                   difference = as.numeric(auc(a) - auc(b)),
                   difference_variance = var(a, method = "delong") + var(b, method = "delong") - 2 * covariance,
                   youden = max(best$sensitivity + best$specificity - 1))
  list(name = name, inputs = list(y = y, first = first, second = second), expected = expected, tolerance = 1e-10)
}
y <- rep(c(0, 1), c(45, 25))
z <- rep(c(0, 1), c(60, 6))
cases <- list(
  case("two correlated scores", y, round(rnorm(70) + y, 6), round(rnorm(70) + 0.4 * y, 6)),
  case("coarse scores with many ties", y, sample(0:4, 70, TRUE) + y, sample(0:3, 70, TRUE)),
  case("few positives", z, round(rnorm(66) + 1.5 * z, 6), round(rnorm(66) + z, 6))
)
told <- list(subject = "discrimination", software = "R pROC", version = as.character(packageVersion("pROC")),
             command = "Rscript engine/selftest/sources/discrimination.R", cases = cases)
writeLines(toJSON(told, auto_unbox = TRUE, digits = NA), "engine/selftest/references/discrimination.json")
