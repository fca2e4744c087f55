# Reference values for scaling laws: R's bounded nls from several starts, and lm for the line in log-log.
# Run from the repository's root: Rscript engine/selftest/sources/scaling_law.R
library(jsonlite)
set.seed(20261123)
fit <- function(size, value) {
  x <- size / exp(mean(log(size)))
  best <- NULL
  for (b in c(0.05, 0.2, 0.5, 1)) for (share in c(0, 0.5, 0.9)) {
    found <- try(suppressWarnings(nls(value ~ a * x^(-b) + c, algorithm = "port", lower = c(0, 0, 0),
                     start = list(a = mean(value), b = b, c = share * min(value)),
                     control = nls.control(maxiter = 500, tol = 1e-12, warnOnly = TRUE))), silent = TRUE)
    if (!inherits(found, "try-error") && (is.null(best) || deviance(found) < deviance(best))) best <- found
  }
  best
}
case <- function(name, size, value) {
  law <- coef(fit(size, value))
  line <- coef(lm(log(value) ~ log(size)))
  list(name = name, inputs = list(size = size, value = value),
       expected = list(exponent = unname(law["b"]), floor = unname(law["c"]),
                       plain_exponent = -unname(line[2]), plain_factor = exp(unname(line[1]))),
       tolerance = 1e-5)
}
sizes <- rep(c(18e3, 45e3, 106e3, 753e3, 11e6), each = 3)
labels <- rep(c(50, 100, 200, 400, 800), each = 5)
cases <- list(
  case("a law with a floor", sizes, round(5 * sizes^-0.4 + 0.2 + rnorm(15, 0, 0.003), 6)),
  case("a law whose floor is 0", sizes, round(3 * sizes^-0.189 + rnorm(15, 0, 0.001), 6)),
  case("a few-label curve", labels, round(labels^-0.5 + 0.05 + rnorm(25, 0, 0.002), 6))
)
told <- list(subject = "scaling_law", software = "R stats::nls (port) and stats::lm", version = as.character(getRversion()),
             command = "Rscript engine/selftest/sources/scaling_law.R", cases = cases)
writeLines(toJSON(told, auto_unbox = TRUE, digits = NA), "engine/selftest/references/scaling_law.json")
