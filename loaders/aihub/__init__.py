"""AI Hub's healthcare questions and answers: reading their files, in trees and zips, fast."""
